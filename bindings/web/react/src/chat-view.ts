/** A room, as `useChat` gives it. */

import type { ChatClient, Participant, Room, RoomSnapshot } from "@chat-engine/client";
import { MessageList } from "./message-list.js";
import type { Chat, TypingUser } from "./types.js";
import { keep, sameFields, View } from "./view.js";

/** What is known of a room before anything is. */
const NOTHING = {
  status: "idle",
  info: null,
  messages: [],
  hasOlder: false,
  hasNewer: false,
  outbox: [],
  participants: [],
  present: [],
  typing: [],
  my: null,
  unreadCount: 0,
  lastMessage: null,
} as const;

/** See the module. It is shared by all who show the room. */
export class ChatView extends View<Chat> {
  readonly initial: Chat;
  readonly #client: ChatClient;
  readonly #room: Room;
  readonly #list = new MessageList();
  readonly #actions: ReturnType<typeof actions>;
  #shown: Chat;
  #typing: readonly TypingUser[] = [];

  constructor(client: ChatClient, room: Room) {
    super(room, client.connection);
    this.#client = client;
    this.#room = room;
    this.#actions = actions(room);
    this.initial = { ...state(NOTHING), ...this.#actions, connection: { status: "idle" }, me: null };
    this.#shown = this.initial;
  }

  readonly getSnapshot = (): Chat => {
    const room = this.#room.getSnapshot();
    const me = this.#client.me;
    this.#typing = keep(this.#typing, typingUsers(room.typing, room.participants), sameFields);
    const now: Chat = {
      ...state(room, this.#list.show(room, me), this.#typing),
      ...this.#actions,
      connection: this.#client.connection.getSnapshot(),
      me: me || null,
    };
    if (!sameFields(this.#shown, now)) this.#shown = now;
    return this.#shown;
  };
}

function state(
  room: Pick<RoomSnapshot, keyof typeof NOTHING>,
  messages: Chat["messages"] = [],
  typing: readonly TypingUser[] = [],
) {
  // One that only the list of rooms has shown is live without its messages: it looks empty, and is not.
  const status = room.lastMessage && room.messages.length === 0 ? "loading" : room.status;
  return {
    messages,
    isConnected: status === "live",
    status,
    room: room.info,
    my: room.my,
    participants: room.participants,
    present: room.present,
    typingUsers: typing,
    unreadCount: room.unreadCount,
    hasOlder: room.hasOlder,
    hasNewer: room.hasNewer,
  };
}

/** What can be done in a room: the same functions as long as it is the same room. */
function actions(room: Room) {
  return {
    sendMessage: (content, more) => room.send(content, more),
    sendTypingIndicator: () => room.type(),
    stopTyping: () => room.stopTyping(),
    loadOlder: () => room.loadOlder(),
    loadNewer: () => room.loadNewer(),
    jumpTo: (target) => room.jumpTo(target),
    jumpToLatest: () => room.jumpToLatest(),
    markRead: (seq) => room.markRead(seq),
    markUnread: (seq) => room.markUnread(seq),
    editMessage: (messageId, content) => room.edit(messageId, content),
    deleteMessage: (messageId) => room.delete(messageId),
    retry: (clientId) => room.retry(clientId),
    discard: (clientId) => room.discard(clientId),
  } satisfies Partial<Chat>;
}

/** Those who type, with their names. */
export function typingUsers(users: readonly string[], participants: readonly Participant[]): TypingUser[] {
  return users.map((user_id) => {
    const known = participants.find((participant) => participant.user_id === user_id);
    return { user_id, name: known?.name ?? user_id, isKnown: known !== undefined };
  });
}
