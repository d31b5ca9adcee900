/** What a provider shares: one client, and what is shown of it. */

import type { ChatClient, Room } from "@chat-engine/client";
import { ChatView } from "./chat-view.js";
import { ConnectedRooms } from "./connected-rooms.js";
import { roomName } from "./room-name.js";
import { RoomsView } from "./rooms-view.js";
import type { Chat, RoomRef } from "./types.js";

/** See the module. */
export class Hub {
  readonly client: ChatClient;
  readonly rooms: RoomsView;
  readonly connected = new ConnectedRooms((room) => this.chat(room));
  readonly #prefix: string;
  readonly #chats = new WeakMap<Room, ChatView>();

  constructor(client: ChatClient, prefix: string) {
    this.client = client;
    this.rooms = new RoomsView(client);
    this.#prefix = prefix;
  }

  readonly connect = (room: RoomRef): void => this.connected.connect(room);
  readonly disconnect = (room: RoomRef): void => this.connected.disconnect(room);
  readonly send = (room: RoomRef, ...message: Parameters<Chat["sendMessage"]>): string =>
    this.chat(room)
      .getSnapshot()
      .sendMessage(...message);

  /** Nobody shows anything any more. */
  end(): void {
    this.connected.clear();
  }

  /** A room: the same view each time. */
  chat(ref: RoomRef): ChatView {
    const room = this.client.room(roomName(ref, this.#prefix));
    const known = this.#chats.get(room);
    if (known) return known;
    const view = new ChatView(this.client, room);
    this.#chats.set(room, view);
    return view;
  }
}
