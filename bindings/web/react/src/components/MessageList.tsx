/** The messages of a room: as many of them drawn as are seen. */

import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { Virtualizer } from "virtua";
import type { Chat, ChatMessage } from "../types.js";
import { DeleteDialog } from "./DeleteDialog.js";
import { type MessageActions, MessageRow } from "./MessageRow.js";
import { rowsOf } from "./rows.js";
import { useTexts } from "./texts-context.js";
import { useInSteps } from "./use-in-steps.js";
import { useListScroll } from "./use-list-scroll.js";
import type { Unread } from "./use-unread.js";

export interface MessageListProps {
  readonly chat: Chat;
  /** What was unread when the room was opened; `undefined` until that is known. */
  readonly unread: Unread | null | undefined;
  readonly canWrite: boolean;
  readonly onReply: (message: ChatMessage) => void;
  readonly onEdit: (message: ChatMessage) => void;
}

export function MessageList({ chat, unread, canWrite, onReply, onEdit }: MessageListProps) {
  const texts = useTexts();
  const { messages, participants, unreadCount, deleteMessage, retry, discard } = chat;
  const isUnreadAbove = unread && chat.hasOlder && (messages[0]?.seq ?? 0) > unread.seq;
  const unreadFrom = unread && !isUnreadAbove ? unread.seq : null;
  // What was said today is of yesterday at the first drawing after midnight, also where nothing was said since.
  const today = new Date().toDateString();
  const rows = useInSteps(useMemo(() => rowsOf(messages, unreadFrom, today), [messages, unreadFrom, today]));
  const byId = useMemo(() => new Map(messages.map((message) => [message.id, message])), [messages]);
  const avatars = useMemo(() => new Map(participants.map(({ user_id, avatar }) => [user_id, avatar])), [participants]);
  const box = useRef<HTMLDivElement>(null);
  const isKnown = unread !== undefined;
  const { list, isPrepended, isAtEnd, onScroll, toEnd, jumpTo, aim } = useListScroll(box, chat, rows, isKnown);

  const [toDelete, setToDelete] = useState<ChatMessage>();
  const actions = useMemo<MessageActions>(
    () => ({
      reply: onReply,
      edit: onEdit,
      remove: setToDelete,
      retry: ({ client_id }) => client_id !== undefined && retry(client_id),
      discard: ({ client_id }) => {
        box.current?.focus();
        if (client_id !== undefined) discard(client_id);
      },
      jumpTo,
    }),
    [onReply, onEdit, retry, discard, jumpTo],
  );

  const onKeyDown = (event: KeyboardEvent) => {
    const shown = [...(box.current?.querySelectorAll<HTMLElement>(".ce-message") ?? [])];
    // The focus may be on something within one.
    const at = shown.findIndex((message) => message.contains(document.activeElement));
    if (event.key === "End") toEnd();
    else if (event.key === "ArrowUp") shown.at(at < 0 ? -1 : Math.max(at - 1, 0))?.focus();
    else if (event.key === "ArrowDown" && at >= 0) shown[at + 1]?.focus();
    else return;
    event.preventDefault();
  };

  return (
    <div className="ce-list-box">
      <div
        ref={box}
        className="ce-list"
        role="log"
        aria-label={texts.conversation}
        // What comes is told by an announcer: of a list that is drawn in parts, scrolling would be told as well.
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard.
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div className="ce-list-space" />
        <Virtualizer ref={list} data={rows} shift={isPrepended} bufferSize={400} onScroll={onScroll}>
          {(row) => (
            <MessageRow
              key={row.message.key}
              row={row}
              answers={row.message.reply_to === undefined ? undefined : byId.get(row.message.reply_to)}
              avatar={avatars.get(row.message.sender ?? "")}
              canWrite={canWrite}
              isTarget={aim?.seq !== undefined && row.message.seq === aim.seq}
              actions={actions}
            />
          )}
        </Virtualizer>
      </div>
      {isUnreadAbove && (
        <button type="button" className="ce-to-unread" onClick={() => jumpTo(unread.seq)}>
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M10 16V5m0 0L5.5 9.5M10 5l4.5 4.5" />
          </svg>
          {texts.newMessages(unread.count)}
        </button>
      )}
      {!isAtEnd && (
        <button type="button" className="ce-to-latest" onClick={toEnd} data-new={unreadCount > 0 ? "" : undefined}>
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M10 4v11m0 0 4.5-4.5M10 15l-4.5-4.5" />
          </svg>
          {/* How many are unread further down, those that are not held included. */}
          {unreadCount > 0 ? texts.newMessages(unreadCount) : <span className="ce-hidden">{texts.toLatest}</span>}
        </button>
      )}
      {toDelete && (
        <DeleteDialog
          message={toDelete}
          onDelete={() => void deleteMessage(toDelete.id)}
          onEnd={() => setToDelete(undefined)}
        />
      )}
    </div>
  );
}
