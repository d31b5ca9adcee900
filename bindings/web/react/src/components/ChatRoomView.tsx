/** A room as one sees it, of a `Chat` from wherever it comes. */

import { type ReactNode, useCallback, useState } from "react";
import type { Chat, ChatMessage } from "../types.js";
import { Announcer } from "./Announcer.js";
import { Composer, type Purpose } from "./Composer.js";
import { ConnectionBanner } from "./ConnectionBanner.js";
import { ConnectionDot } from "./ConnectionDot.js";
import { EmptyState } from "./EmptyState.js";
import { MessageList } from "./MessageList.js";
import { Skeleton } from "./Skeleton.js";
import { TypingIndicator } from "./TypingIndicator.js";
import { english, type Texts } from "./texts.js";
import { TextsContext } from "./texts-context.js";
import { useUnread } from "./use-unread.js";

/** What of a room's looks may be chosen. */
export interface RoomLook {
  /** All texts; English by default. */
  readonly texts?: Texts | undefined;
  /** Beside `ce-room`. */
  readonly className?: string | undefined;
  /** What stands above the messages. */
  readonly header?: ReactNode;
  /** What stands where nothing was said yet. */
  readonly empty?: ReactNode;
}

export interface ChatRoomViewProps extends RoomLook {
  readonly chat: Chat;
}

/**
 * Messages and where one writes, of a given `Chat`. `ChatRoom` is this with `useChat`.
 *
 * @example
 * ```tsx
 * const chat = useChat(42);
 * return <ChatRoomView chat={chat} texts={german} />;
 * ```
 */
export function ChatRoomView({ chat, texts = english, className, header, empty }: ChatRoomViewProps) {
  const { status, messages, room, connection, typingUsers } = chat;
  // What one person began is not there for who logs in after them, and what is begun in a room stays there.
  const place = room ? `${chat.me} ${room.id}` : undefined;
  const [purpose, setPurpose] = useState<Purpose & { place: string | undefined }>();
  const reply = useCallback((message: ChatMessage) => setPurpose({ kind: "reply", message, place }), [place]);
  const edit = useCallback((message: ChatMessage) => setPurpose({ kind: "edit", message, place }), [place]);
  const endPurpose = useCallback(() => setPurpose(undefined), []);
  const unread = useUnread(chat, place);
  const refusal = refusalOf(chat, texts);
  // A room that the list of rooms has shown is there before its messages are.
  const isKnown = unread !== undefined;
  // One that is come back to is as it was left: a list of that would begin at the wrong place.
  const isPast = status === "stale" && !isKnown;
  return (
    <TextsContext.Provider value={texts}>
      <section
        className={`ce-room ${className ?? ""}`}
        aria-label={room?.name ?? texts.conversation}
        lang={texts.locale}
      >
        {header}
        <ConnectionBanner connection={connection} status={status} />
        {status === "gone" ? (
          <div className="ce-list-box">
            <p className="ce-gone">{texts.gone}</p>
          </div>
        ) : messages.length > 0 && !isPast ? (
          <MessageList
            key={place}
            chat={chat}
            unread={unread}
            canWrite={refusal === undefined}
            onReply={reply}
            onEdit={edit}
          />
        ) : (
          <div className="ce-list-box">{isKnown ? (empty ?? <EmptyState />) : <Skeleton />}</div>
        )}
        <div className="ce-under">
          <TypingIndicator users={typingUsers} />
          <ConnectionDot connection={connection} status={status} />
        </div>
        {refusal === undefined ? (
          <Composer
            chat={chat}
            room={place}
            purpose={purpose?.place === place ? purpose : undefined}
            onPurposeEnd={endPurpose}
          />
        ) : (
          <p className="ce-refusal">{refusal}</p>
        )}
        {/* Another one for each room: what was said here before is no news there. */}
        <Announcer key={`of ${place}`} chat={chat} />
      </section>
    </TextsContext.Provider>
  );
}

/** Why one may not write here; the server decides, this only says it beforehand. */
function refusalOf({ status, room, my }: Chat, texts: Texts): string | undefined {
  if (status === "gone") return texts.gone;
  if (room?.state === "frozen") return texts.frozen;
  if (room?.state === "archived") return texts.archived;
  const isStaff = my?.role === "owner" || my?.role === "admin" || my?.role === "moderator";
  if (my?.role === "observer" || (room?.kind === "channel" && my && !isStaff)) return texts.notAllowed;
  return undefined;
}
