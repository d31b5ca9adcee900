/** Tells those who do not see what is written, as it comes. */

import { useEffect, useRef, useState } from "react";
import type { Chat } from "../types.js";
import { useTexts } from "./texts-context.js";

export function Announcer({ chat }: { readonly chat: Chat }) {
  const texts = useTexts();
  const told = useRef<number | undefined>(undefined);
  const [says, setSays] = useState("");
  const { messages, status } = chat;
  useEffect(() => {
    if (status !== "live") return;
    const since = told.current;
    told.current = messages.reduce((last, { seq = 0 }) => Math.max(last, seq), since ?? 0);
    // What was there when the room was opened is read, not told.
    if (since === undefined) return;
    const fresh = messages.filter(({ seq, isMine, content }) => seq !== undefined && seq > since && !isMine && content);
    if (fresh.length === 0) return;
    setSays(
      fresh
        .slice(-3)
        .map(({ senderName, content }) => (senderName ? texts.said(senderName, content ?? "") : content))
        .join("\n"),
    );
  }, [messages, status, texts]);
  return (
    <div className="ce-hidden" aria-live="polite">
      {says}
    </div>
  );
}
