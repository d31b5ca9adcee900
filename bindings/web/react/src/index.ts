"use client";
/** React hooks for the chat engine. See the README of the package. */

export type { ChatMessages } from "./connected-rooms.js";
export { useChat, useChatRooms, useConnection, usePresence, useReadBy, useTyping, useUnreadTotal } from "./hooks.js";
export {
  type GivenClient,
  type OwnClient,
  WebSocketProvider as ChatProvider,
  WebSocketProvider,
  type WebSocketProviderProps,
} from "./provider.js";
export type * from "./types.js";
export { type ChatWebSocket, useWebSocket } from "./use-web-socket.js";
