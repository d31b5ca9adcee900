/** Where one writes. */

import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Chat, ChatMessage } from "../types.js";
import { draftOf, keepDraft } from "./drafts.js";
import { EmojiButton } from "./EmojiButton.js";
import { excerpt } from "./Quote.js";
import { useTexts } from "./texts-context.js";
import { isUnbroken } from "./unbroken.js";
import { useGrowing } from "./use-growing.js";

/** What the text is for, beside being a new message. */
export interface Purpose {
  readonly kind: "reply" | "edit";
  readonly message: ChatMessage;
}

export interface ComposerProps {
  readonly chat: Chat;
  /** Under which name what was begun is kept; `undefined` until the room is known. */
  readonly room: string | undefined;
  readonly purpose: Purpose | undefined;
  readonly onPurposeEnd: () => void;
}

/** As long as a message may be, until the server has said so. */
const MESSAGE_BYTES = 16_384;

export function Composer({ chat, room, purpose, onPurposeEnd }: ComposerProps) {
  const texts = useTexts();
  const field = useRef<HTMLTextAreaElement>(null);
  const [draft, setDraft] = useState(() => draftOf(room));
  const [edited, setEdited] = useState("");
  const [textOf, setTextOf] = useState(room);
  if (room !== textOf) {
    setTextOf(room);
    // What was written before the room was known is for this one; what was begun elsewhere is not.
    if (textOf !== undefined || draft === "") setDraft(draftOf(room));
  }
  const isEdit = purpose?.kind === "edit";
  const [editedFor, setEditedFor] = useState<Purpose>();
  if (isEdit && purpose !== editedFor) {
    // Each edit begins with what the message says, at once: not after a key was pressed.
    setEditedFor(purpose);
    setEdited(purpose.message.content ?? "");
  }
  // What was begun waits while something else is edited, and neither becomes the other.
  const [text, setText] = isEdit ? [edited, setEdited] : [draft, setDraft];
  const { connection, hasNewer, jumpToLatest, sendMessage, editMessage, sendTypingIndicator, stopTyping } = chat;
  const limit = connection.status === "open" ? connection.limits.message_bytes : MESSAGE_BYTES;
  // Pasted text brings control characters, which no message may have. What a word processor means by one is a line break.
  const said = text.replace(/[^\P{Cc}\n\t]/gu, (control) => (control === "\v" ? "\n" : ""));
  const bytes = said.length * 3 > limit ? new TextEncoder().encode(said).length : 0;
  const isTooLong = bytes > limit;
  const isEmpty = said.trim() === "";

  useEffect(() => {
    if (!purpose) return;
    field.current?.focus();
  }, [purpose]);
  useEffect(() => {
    if (room !== undefined) keepDraft(room, draft);
  }, [room, draft]);
  useEffect(() => stopTyping, [stopTyping]);
  useGrowing(field, text);

  const end = () => {
    onPurposeEnd();
    field.current?.focus();
  };
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (isEmpty || isTooLong) return;
    if (purpose?.kind === "edit") {
      if (said !== purpose.message.content) editMessage(purpose.message.id, said);
    } else {
      sendMessage(said, purpose ? { reply_to: purpose.message.id } : {});
      // One's own answer to something old stands among the newest.
      if (hasNewer) void jumpToLatest().catch(() => {});
      setDraft("");
    }
    stopTyping();
    end();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While a word is put together (Japanese, say), the Enter key belongs to that. Safari tells only by the number.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && purpose) {
      event.preventDefault();
      end();
    }
  };
  const insert = (emoji: string) => {
    const { selectionStart = text.length, selectionEnd = text.length } = field.current ?? {};
    setText(text.slice(0, selectionStart) + emoji + text.slice(selectionEnd));
    const caret = selectionStart + emoji.length;
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(caret, caret);
    });
  };

  return (
    <form className="ce-composer" onSubmit={submit}>
      {purpose && (
        <div className="ce-purpose">
          <div className="ce-purpose-text">
            <span className="ce-quote-name">
              {isEdit
                ? texts.editing
                : texts.replyingTo(purpose.message.isMine ? undefined : purpose.message.senderName)}
            </span>
            <span className="ce-quote-text" dir="auto">
              {excerpt(purpose.message, texts.deleted)}
            </span>
          </div>
          <button type="button" className="ce-icon-button" aria-label={texts.cancel} onClick={end}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="m7 7 10 10M17 7 7 17" />
            </svg>
          </button>
        </div>
      )}
      {isTooLong && (
        <div className="ce-too-long" role="alert">
          {texts.tooLong(bytes, limit)}
        </div>
      )}
      <div className="ce-composer-line">
        <EmojiButton onPick={insert} />
        <textarea
          ref={field}
          className="ce-field"
          data-unbroken={isUnbroken(text) ? "" : undefined}
          rows={1}
          dir="auto"
          value={text}
          aria-label={texts.message}
          aria-invalid={isTooLong}
          placeholder={texts.placeholder}
          enterKeyHint="send"
          autoComplete="off"
          onChange={({ target }) => {
            setText(target.value);
            if (target.value.trim() === "") stopTyping();
            else if (!isEdit) sendTypingIndicator();
          }}
          onKeyDown={onKeyDown}
          onBlur={stopTyping}
        />
        <button
          type="submit"
          className="ce-send"
          aria-label={isEdit ? texts.save : texts.send}
          disabled={isEmpty || isTooLong}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d={isEdit ? "m5 12.5 5 5 9-11" : "M12 19V5m0 0-6 6m6-6 6 6"} />
          </svg>
        </button>
      </div>
    </form>
  );
}
