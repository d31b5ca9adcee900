/** Tells those who do not see what is written, as it comes. */

import { useEffect, useRef, useState } from "react";
import type { Chat } from "../types.js";
import { excerpt } from "./Quote.js";
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
    const says = messages.flatMap((message) => {
      const { seq = 0, isMine, senderName, content } = message;
      const said = content || excerpt(message, "");
      if (seq <= since || isMine || !said) return [];
      return senderName ? texts.said(senderName, said) : said;
    });
    if (says.length > 0) setSaid({ says: says.slice(-3).join("\n"), seq: told.current });
  }, [messages, status, texts]);
  return (
    <div className="ce-hidden" aria-live="polite">
      {/* Another element each time: who says the same again is heard again. */}
      <p key={seq}>{says}</p>
    </div>
  );
}
