/** The message that another one answers. */

import type { ChatMessage } from "../types.js";
import { useTexts } from "./texts-context.js";

export interface QuoteProps {
  /** Absent where it is not among those that are held. */
  readonly message: ChatMessage | undefined;
  readonly onJump: () => void;
}

export function Quote({ message, onJump }: QuoteProps) {
  const texts = useTexts();
  return (
    <button type="button" className="ce-quote" onClick={onJump}>
      {message && <span className="ce-quote-name">{message.isMine ? texts.you : message.senderName}</span>}
      <span className="ce-quote-text" dir="auto">
        {message ? excerpt(message, texts.deleted) : texts.message}
      </span>
    </button>
  );
}

/** What a message says, in one line; one that is only a file, what that is called. */
export function excerpt(message: Pick<ChatMessage, "deleted_at" | "content" | "attachments">, deleted: string): string {
  if (message.deleted_at) return deleted;
  return (message.content || message.attachments?.[0]?.name || "").slice(0, 200);
}
