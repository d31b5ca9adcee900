/** The original's hook: rooms by name, from anywhere below the provider. */

import type { ChatClient, ConnectionState } from "@chat-engine/client";
import { useMemo, useSyncExternalStore } from "react";
import type { ChatMessages } from "./connected-rooms.js";
import type { Hub } from "./hub.js";
import { useHub } from "./provider.js";
import type { Chat, RoomRef } from "./types.js";

/** What `useWebSocket` gives. */
export interface ChatWebSocket {
  /** Follows a room, until `disconnectChatWebSocket`. Once is enough, and more does no harm. */
  readonly connectChatWebSocket: (roomId: RoomRef) => void;
  readonly disconnectChatWebSocket: (roomId: RoomRef) => void;
  /** Sends, now or when there is a connection. Returns the operation's name. */
  readonly sendChatMessage: (roomId: RoomRef, ...message: Parameters<Chat["sendMessage"]>) => string;
  /** The messages of the connected rooms, by what was passed when each was connected. */
  readonly chatMessages: ChatMessages;
  readonly connection: ConnectionState;
  /** For everything else: `request`, and news by `on`. */
  readonly client: ChatClient;
}

/**
 * Rooms by name, from anywhere below the provider. A component that does not read `chatMessages` is not drawn again for
 * messages, and one that does not read `connection` is not for that.
 *
 * @example
 * ```tsx
 * const { connectChatWebSocket, sendChatMessage, chatMessages } = useWebSocket();
 * useEffect(() => connectChatWebSocket(42), [connectChatWebSocket]);
 * const messages = chatMessages[42] ?? [];
 * ```
 */
export function useWebSocket(): ChatWebSocket {
  const hub = useHub();
  const used = useMemo(() => new Used(hub), [hub]);
  return useSyncExternalStore(used.subscribe, used.getSnapshot, used.getInitial);
}

type Changing = Pick<ChatWebSocket, "chatMessages" | "connection">;

/** What one component has read: it is another snapshot only when something of that is another. */
class Used {
  readonly #hub: Hub;
  readonly #names = new Set<keyof Changing>();
  readonly #initial: ChatWebSocket;
  #now: Changing;
  #shown: ChatWebSocket;

  constructor(hub: Hub) {
    this.#hub = hub;
    this.#initial = this.#made({ chatMessages: hub.connected.initial, connection: { status: "idle" } });
    this.#now = this.#current();
    this.#shown = this.#made(this.#now);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const stops = [this.#hub.connected.subscribe(listener), this.#hub.client.connection.subscribe(listener)];
    return () => {
      for (const stop of stops) stop();
    };
  };

  readonly getInitial = (): ChatWebSocket => this.#initial;

  readonly getSnapshot = (): ChatWebSocket => {
    const now = this.#current();
    if ([...this.#names].some((name) => this.#now[name] !== now[name])) this.#shown = this.#made(now);
    // What nobody has read yet may change unseen: whoever reads it first is to find the latest.
    Object.assign(this.#now, now);
    return this.#shown;
  };

  #current(): Changing {
    return { chatMessages: this.#hub.connected.getSnapshot(), connection: this.#hub.client.connection.getSnapshot() };
  }

  #made(state: Changing): ChatWebSocket {
    this.#now = state;
    const names = this.#names;
    const hub = this.#hub;
    return {
      connectChatWebSocket: hub.connect,
      disconnectChatWebSocket: hub.disconnect,
      sendChatMessage: hub.send,
      client: hub.client,
      get chatMessages() {
        names.add("chatMessages");
        return state.chatMessages;
      },
      get connection() {
        names.add("connection");
        return state.connection;
      },
    };
  }
}
