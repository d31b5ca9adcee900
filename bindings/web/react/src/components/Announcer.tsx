/** Tells those who do not see what is written, as it comes. */

import { useEffect, useRef, useState } from "react";
import type { Chat } from "../types.js";
import { useTexts } from "./texts-context.js";

export function Announcer({ chat }: { readonly chat: Chat }) {
  const texts = useTexts();
  const told = useRef<number | undefined>(undefined);
  const [{ says, seq }, setSaid] = useState({ says: "", seq: 0 });
  const { messages, status } = chat;
  useEffect(() => {
    if (status !== "live") return;
    const since = told.current;
    told.current = messages.reduce((last, { seq = 0 }) => Math.max(last, seq), since ?? 0);
    // What was there when the room was opened is read, not told.
    if (since === undefined) return;
    const fresh = messages.filter(({ seq, isMine, content }) => seq !== undefined && seq > since && !isMine && content);
    if (fresh.length === 0) return;
    const says = fresh
      .slice(-3)
      .map(({ senderName, content }) => (senderName ? texts.said(senderName, content ?? "") : content));
    setSaid({ says: says.join("\n"), seq: told.current });
  }, [messages, status, texts]);
  return (
    <div className="ce-hidden" aria-live="polite">
      {/* Another element each time: who says the same again is heard again. */}
      <p key={seq}>{says}</p>
    </div>
  );
}
