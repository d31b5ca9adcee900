/** My rooms, as `useChatRooms` gives them. */

import type { ChatClient, RoomSnapshot } from "@chat-engine/client";
import { typingUsers } from "./chat-view.js";
import type { ChatRoomItem, ChatRooms } from "./types.js";
import { keep, sameFields, View } from "./view.js";

const NOTHING: ChatRooms = { status: "idle", rooms: [], unreadTotal: 0 };

/** See the module. */
export class RoomsView extends View<ChatRooms> {
  readonly initial = NOTHING;
  readonly #client: ChatClient;
  /** What each room was last shown as. */
  #items = new Map<string, { of: RoomSnapshot; item: ChatRoomItem }>();
  #shown = NOTHING;

  constructor(client: ChatClient) {
    super(client.rooms);
    this.#client = client;
  }

  readonly getSnapshot = (): ChatRooms => {
    const { status, rooms, unreadTotal } = this.#client.rooms.getSnapshot();
    const items = rooms.filter(({ my }) => !my?.hidden).map((room) => this.#item(room));
    this.#items = new Map(items.map((made) => [made.item.roomId, made]));
    const shown = items.map(({ item }) => item);
    const now = { status, rooms: keep(this.#shown.rooms, shown), unreadTotal };
    if (!sameFields(this.#shown, now)) this.#shown = now;
    return this.#shown;
  };

  #item(of: RoomSnapshot): { of: RoomSnapshot; item: ChatRoomItem } {
    const old = this.#items.get(of.id ?? of.ref);
    if (old?.of === of) return old;
    const now = shownAs(of, this.#client.me, old?.item);
    return { of, item: old && sameFields(old.item, now) ? old.item : now };
  }
}

function shownAs(room: RoomSnapshot, me: string, old: ChatRoomItem | undefined): ChatRoomItem {
  const { info, participants, lastMessage, unreadCount, my } = room;
  const other = info?.kind === "direct" ? participants.find(({ user_id }) => user_id !== me) : undefined;
  return {
    roomId: room.id ?? room.ref,
    key: info?.key ?? null,
    kind: info?.kind ?? "group",
    name: info?.name ?? other?.name ?? other?.user_id ?? info?.key ?? "",
    avatar: info?.avatar ?? other?.avatar ?? null,
    lastMessage,
    unreadCount,
    typingUsers: keep(old?.typingUsers ?? [], typingUsers(room.typing, participants), sameFields),
    pinned: my?.pinned ?? false,
    level: my?.level ?? "all",
    state: info?.state ?? "open",
  };
}
