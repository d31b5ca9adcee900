/** One message, with the day or the line that begins with it. */

import { type KeyboardEvent, memo, useRef } from "react";
import type { ChatMessage } from "../types.js";
import { Attachments } from "./Attachments.js";
import { Avatar } from "./Avatar.js";
import { type Action, MessageMenu } from "./MessageMenu.js";
import { Quote } from "./Quote.js";
import { RichText } from "./RichText.js";
import type { Row } from "./rows.js";
import { Ticks } from "./Ticks.js";
import { useTexts } from "./texts-context.js";
import { clock, dayName, exactly } from "./time.js";
import { isUnbroken } from "./unbroken.js";

/** What can be done with messages; the same functions from one drawing to the next. */
export interface MessageActions {
  readonly reply: (message: ChatMessage) => void;
  readonly edit: (message: ChatMessage) => void;
  readonly remove: (message: ChatMessage) => void;
  readonly retry: (message: ChatMessage) => void;
  readonly discard: (message: ChatMessage) => void;
  readonly jumpTo: (messageId: string) => void;
}

export interface MessageRowProps {
  readonly row: Row;
  /** The message that it answers, if that is known. */
  readonly answers: ChatMessage | undefined;
  readonly avatar: string | null | undefined;
  /** Whether one may write here. */
  readonly canWrite: boolean;
  readonly isTarget: boolean;
  readonly actions: MessageActions;
}

export const MessageRow = memo(
  function MessageRow(props: MessageRowProps) {
    const { message, startsDay, startsUnread, first, last } = props.row;
    const texts = useTexts();
    return (
      <div className="ce-row" data-first={first ? "" : undefined} data-last={last ? "" : undefined}>
        {startsDay && (
          <div className="ce-day">
            <time dateTime={message.created_at.slice(0, 10)}>{dayName(message.created_at, texts.locale)}</time>
          </div>
        )}
        {startsUnread && <div className="ce-unread-divider">{texts.unreadDivider}</div>}
        {message.message_type === "system" ? (
          <p className="ce-system" dir="auto">
            {message.content}
          </p>
        ) : (
          <Message {...props} />
        )}
      </div>
    );
  },
  // Rows are made anew whenever a message comes; what they say is most often the same.
  (a, b) =>
    a.row.message === b.row.message &&
    a.row.startsDay === b.row.startsDay &&
    a.row.startsUnread === b.row.startsUnread &&
    a.row.first === b.row.first &&
    a.row.last === b.row.last &&
    a.answers === b.answers &&
    a.avatar === b.avatar &&
    a.canWrite === b.canWrite &&
    a.isTarget === b.isTarget &&
    a.actions === b.actions,
);

function Message({ row, answers, avatar, canWrite, isTarget, actions }: MessageRowProps) {
  const { message, first, last } = row;
  const texts = useTexts();
  const own = useRef<HTMLElement>(null);
  const { isMine, progress, deleted_at, content, attachments, reply_to, senderName } = message;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== own.current || event.key !== "Enter") return;
    event.preventDefault();
    own.current?.querySelector<HTMLElement>(".ce-menu-button")?.click();
  };
  const time = clock(message.created_at, texts.locale);
  // What failed can be copied: where trying again does not help, it need not be written again.
  const possible = actionsOf(message, canWrite && !deleted_at && progress !== "failed", actions, texts);
  return (
    <article
      ref={own}
      className="ce-message"
      data-mine={isMine ? "" : undefined}
      data-deleted={deleted_at ? "" : undefined}
      data-progress={isMine ? progress : undefined}
      data-target={isTarget ? "" : undefined}
      aria-label={`${isMine ? texts.you : senderName}, ${time}`}
      // Reached with the arrow keys from the list.
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      {!isMine &&
        (last ? (
          <Avatar id={message.sender ?? ""} name={senderName} url={avatar} />
        ) : (
          <span className="ce-avatar-gap" />
        ))}
      <div className="ce-bubble-box">
        {!isMine && first && (
          <div className="ce-sender" dir="auto">
            {senderName}
          </div>
        )}
        <div className="ce-bubble">
          {reply_to && <Quote message={answers} onJump={() => actions.jumpTo(reply_to)} />}
          {attachments && attachments.length > 0 && <Attachments files={attachments} />}
          <div className="ce-message-text" dir="auto" data-unbroken={isUnbroken(content ?? "") ? "" : undefined}>
            {deleted_at ? texts.deleted : <RichText text={content ?? ""} />}
            <span className="ce-meta">
              {message.edited_at && !deleted_at && <span>{texts.edited}</span>}
              <time dir="auto" dateTime={message.created_at} title={exactly(message.created_at, texts.locale)}>
                {time}
              </time>
              {isMine && !deleted_at && <Ticks progress={progress} />}
            </span>
          </div>
        </div>
        {progress === "failed" && (
          <div className="ce-failed">
            <span>{texts.failed(message.seq === undefined ? "sent" : "changed", message.error?.code)}</span>
            <button
              type="button"
              onClick={() => {
                // This button goes, and the message stays.
                own.current?.focus();
                actions.retry(message);
              }}
            >
              {texts.retry}
            </button>
            <button type="button" onClick={() => actions.discard(message)}>
              {texts.discard}
            </button>
          </div>
        )}
      </div>
      {possible.length > 0 && <MessageMenu actions={possible} owner={own} />}
    </article>
  );
}

function actionsOf(
  message: ChatMessage,
  canWrite: boolean,
  actions: MessageActions,
  texts: ReturnType<typeof useTexts>,
): Action[] {
  const { isMine, seq, content, refused = content } = message;
  const possible: Action[] = [];
  if (seq !== undefined && canWrite) possible.push({ label: texts.reply, run: () => actions.reply(message) });
  if (refused) possible.push({ label: texts.copy, run: () => void navigator.clipboard?.writeText(refused) });
  if (isMine && seq !== undefined && canWrite) {
    possible.push({ label: texts.edit, run: () => actions.edit(message) });
    possible.push({ label: texts.delete, run: () => actions.remove(message), isGrave: true });
  }
  return possible;
}
