/** Asks before a message is deleted: nobody can take that back. */

import { type MouseEvent, useEffect, useId, useRef } from "react";
import type { ChatMessage } from "../types.js";
import { excerpt } from "./Quote.js";
import { useTexts } from "./texts-context.js";

export interface DeleteDialogProps {
  readonly message: ChatMessage;
  readonly onDelete: () => void;
  /** It was answered, either way. */
  readonly onEnd: () => void;
}

export function DeleteDialog({ message, onDelete, onEnd }: DeleteDialogProps) {
  const texts = useTexts();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Closed, and not only taken away: then the browser gives the focus back to the message.
    return () => shown?.close();
  }, []);
  // It may be open again by the time that this is told.
  const onClose = () => {
    if (!dialog.current?.open) onEnd();
  };
  const onBackdrop = ({ target }: MouseEvent) => {
    if (target === dialog.current) onEnd();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the Escape key closes it by itself.
    <dialog
      ref={dialog}
      className="ce-confirm"
      role="alertdialog"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-text`}
      onClick={onBackdrop}
      onClose={onClose}
    >
      <div className="ce-confirm-box">
        <h2 id={`${id}-title`}>{texts.deleteTitle}</h2>
        <p id={`${id}-text`}>{texts.deleteText}</p>
        <blockquote dir="auto">{excerpt(message, texts.deleted)}</blockquote>
        <div className="ce-confirm-line">
          <button type="button" onClick={onEnd}>
            {texts.cancel}
          </button>
          <button
            type="button"
            data-grave=""
            onClick={() => {
              onDelete();
              onEnd();
            }}
          >
            {texts.delete}
          </button>
        </div>
      </div>
    </dialog>
  );
}
