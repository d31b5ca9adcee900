/** Chat rooms in the browser, Node, Deno, Bun and React Native. See the README of the package. */

export type { Backoff } from "./backoff.js";
export { ChatClient, type ChatOptions } from "./client.js";
export type { CloseReason, ConnectionOptions, ConnectionState } from "./connection.js";
export type { Environment, Socket, SocketClass } from "./environment.js";
export { ChatError, type ClientCode } from "./errors.js";
export type { Commands } from "./frames.js";
export type { Cause, ClientEvents } from "./host.js";
export type { Operation, OutboxEntry, OutboxStorage, Outgoing } from "./outbox.js";
export { paced } from "./paced.js";
export type * from "./protocol.js";
export { type Receipt, readBy, receiptOf } from "./receipts.js";
export type { Room, RoomSnapshot, RoomStatus } from "./room.js";
export type { RoomList, RoomListSnapshot } from "./rooms.js";
export { type Store, when } from "./store.js";
export type { TokenProvider } from "./token.js";
