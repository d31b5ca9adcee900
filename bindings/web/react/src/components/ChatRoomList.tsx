/** My rooms: the last message of each, what is unread, who types. */

import { useChatRooms } from "../hooks.js";
import type { ChatRoomItem } from "../types.js";
import { Avatar } from "./Avatar.js";
import { excerpt } from "./Quote.js";
import { whoTypes } from "./TypingIndicator.js";
import { english, type Texts } from "./texts.js";
import { TextsContext } from "./texts-context.js";
import { briefly } from "./time.js";
import { UnreadBadge } from "./UnreadBadge.js";

export interface ChatRoomListProps {
  readonly onSelect: (room: ChatRoomItem) => void;
  /** The `roomId` of the one that is open. */
  readonly selected?: string | undefined;
  readonly texts?: Texts | undefined;
  readonly className?: string | undefined;
}

/**
 * My rooms, the pinned ones first, then by latest activity.
 *
 * @example
 * ```tsx
 * <ChatRoomList onSelect={({ roomId }) => navigate(`/chat/${roomId}`)} />
 * ```
 */
export function ChatRoomList({ onSelect, selected, texts = english, className }: ChatRoomListProps) {
  const { rooms, status } = useChatRooms();
  return (
    <TextsContext.Provider value={texts}>
      <nav className={`ce-rooms ${className ?? ""}`} aria-label={texts.conversations} aria-busy={status === "loading"}>
        {rooms.length === 0 && (
          <p className="ce-rooms-none">{status === "live" ? texts.noConversations : texts.loading}</p>
        )}
        <ul>
          {rooms.map((room) => (
            <li key={room.roomId}>
              <button
                type="button"
                className="ce-rooms-item"
                aria-current={room.roomId === selected ? "true" : undefined}
                data-unread={room.unreadCount > 0 ? "" : undefined}
                onClick={() => onSelect(room)}
              >
                <Item room={room} texts={texts} />
              </button>
            </li>
          ))}
        </ul>
      </nav>
    </TextsContext.Provider>
  );
}

function Item({ room, texts }: { readonly room: ChatRoomItem; readonly texts: Texts }) {
  const { lastMessage, typingUsers } = room;
  const name = room.name || room.key || texts.conversation;
  return (
    <>
      <Avatar id={room.roomId} name={name} url={room.avatar} />
      <span className="ce-rooms-text">
        <span className="ce-rooms-line">
          <span className="ce-rooms-name" dir="auto">
            {name}
          </span>
          {lastMessage && (
            <time dateTime={lastMessage.created_at}>{briefly(lastMessage.created_at, texts.locale)}</time>
          )}
        </span>
        <span className="ce-rooms-line">
          {typingUsers.length > 0 ? (
            <span className="ce-rooms-last ce-rooms-typing">{whoTypes(typingUsers, texts)}</span>
          ) : (
            <span className="ce-rooms-last" dir="auto">
              {lastMessage && excerpt(lastMessage, texts.deleted)}
            </span>
          )}
          <UnreadBadge count={room.unreadCount} />
        </span>
      </span>
    </>
  );
}
