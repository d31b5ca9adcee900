/** The rooms that were connected by `connectChatWebSocket`, and what is said there, by what each was called. */

import type { Store } from "@chat-engine/client";
import type { Chat, ChatMessage, RoomRef } from "./types.js";

/** The messages of each connected room, by what was passed when it was connected. */
export interface ChatMessages {
  readonly [room: RoomRef]: readonly ChatMessage[] | undefined;
}

const NONE: ChatMessages = {};

/** See the module. A room stays connected until it is disconnected, whoever connected it. */
export class ConnectedRooms implements Store<ChatMessages> {
  readonly initial = NONE;
  readonly #view: (room: RoomRef) => Store<Chat>;
  readonly #rooms = new Map<string, { view: Store<Chat>; stop: () => void }>();
  readonly #listeners = new Set<() => void>();
  #shown = NONE;

  constructor(view: (room: RoomRef) => Store<Chat>) {
    this.#view = view;
  }

  connect(room: RoomRef): void {
    const name = String(room);
    if (this.#rooms.has(name)) return;
    const view = this.#view(room);
    this.#rooms.set(name, { view, stop: view.subscribe(this.#changed) });
    this.#changed();
  }

  disconnect(room: RoomRef): void {
    const name = String(room);
    this.#rooms.get(name)?.stop();
    if (this.#rooms.delete(name)) this.#changed();
  }

  clear(): void {
    for (const { stop } of this.#rooms.values()) stop();
    this.#rooms.clear();
    this.#changed();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  };

  readonly getSnapshot = (): ChatMessages => this.#shown;

  readonly #changed = (): void => {
    const rooms = [...this.#rooms].map(([name, { view }]) => [name, view.getSnapshot().messages] as const);
    const same =
      rooms.length === Object.keys(this.#shown).length &&
      rooms.every(([name, messages]) => this.#shown[name] === messages);
    if (same) return;
    this.#shown = Object.fromEntries(rooms);
    for (const listener of [...this.#listeners]) listener();
  };
}
