/** The messages of a room: as many of them drawn as are seen. */

import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Virtualizer } from "virtua";
import type { Chat, ChatMessage } from "../types.js";
import { type MessageActions, MessageRow } from "./MessageRow.js";
import { rowsOf } from "./rows.js";
import { useTexts } from "./texts-context.js";
import { useInSteps } from "./use-in-steps.js";
import { useLatest } from "./use-latest.js";
import { useListScroll } from "./use-list-scroll.js";
import { useUnreadFrom } from "./use-unread-from.js";

export interface MessageListProps {
  readonly chat: Chat;
  readonly canWrite: boolean;
  readonly onReply: (message: ChatMessage) => void;
  readonly onEdit: (message: ChatMessage) => void;
}

/** How long a message that was jumped to is shown as such. */
const TARGET_MS = 1_600;

export function MessageList({ chat, canWrite, onReply, onEdit }: MessageListProps) {
  const texts = useTexts();
  const { messages, participants, jumpTo, deleteMessage, retry, discard } = chat;
  const unreadFrom = useUnreadFrom(chat);
  const rows = useInSteps(useMemo(() => rowsOf(messages, unreadFrom ?? null), [messages, unreadFrom]));
  const byId = useMemo(() => new Map(messages.map((message) => [message.id, message])), [messages]);
  const avatars = useMemo(() => new Map(participants.map(({ user_id, avatar }) => [user_id, avatar])), [participants]);
  const box = useRef<HTMLDivElement>(null);
  const { list, isPrepended, isAtEnd, newCount, onScroll, toEnd } = useListScroll(box, chat, rows, unreadFrom);

  const [target, setTarget] = useState<number>();
  const latestRows = useLatest(rows);
  useEffect(() => {
    if (target === undefined) return;
    const at = latestRows.current.findIndex(({ message }) => message.seq === target);
    if (at >= 0) list.current?.scrollToIndex(at, { align: "center" });
    const end = setTimeout(() => setTarget(undefined), TARGET_MS);
    return () => clearTimeout(end);
  }, [target, list, latestRows]);

  const jump = useCallback((id: string) => void jumpTo(id).then(setTarget, () => {}), [jumpTo]);
  const actions = useMemo<MessageActions>(
    () => ({
      reply: onReply,
      edit: onEdit,
      remove: ({ id }) => void deleteMessage(id),
      retry: ({ client_id }) => client_id !== undefined && retry(client_id),
      discard: ({ client_id }) => client_id !== undefined && discard(client_id),
      jumpTo: jump,
    }),
    [onReply, onEdit, deleteMessage, retry, discard, jump],
  );

  const onKeyDown = (event: KeyboardEvent) => {
    const shown = [...(box.current?.querySelectorAll<HTMLElement>(".ce-message") ?? [])];
    const at = shown.indexOf(document.activeElement as HTMLElement);
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
              isTarget={target !== undefined && row.message.seq === target}
              actions={actions}
            />
          )}
        </Virtualizer>
      </div>
      {!isAtEnd && (
        <button type="button" className="ce-to-latest" onClick={toEnd} data-new={newCount > 0 ? "" : undefined}>
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M10 4v11m0 0 4.5-4.5M10 15l-4.5-4.5" />
          </svg>
          {newCount > 0 ? texts.newMessages(newCount) : <span className="ce-hidden">{texts.toLatest}</span>}
        </button>
      )}
    </div>
  );
}
