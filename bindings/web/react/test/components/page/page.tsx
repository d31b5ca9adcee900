/** Shows the state that the address names, and lets the test change it. */

import { StrictMode, useState } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { ChatRoomView, english, german } from "../../../src/components/index.js";
import type { Chat } from "../../../src/types.js";
import { STATES } from "./states.js";

declare global {
  interface Window {
    /** Changes what is shown. */
    change: (change: (chat: Chat) => Chat) => void;
    /** What the components asked of the room: the function's name, and what it was given. */
    asked: [name: string, ...given: unknown[]][];
    /** Lets a jump arrive that a test holds back. */
    arrive: () => void;
    /** How long the first drawing took, in milliseconds of script. */
    drawnIn: number;
  }
}

const query = new URLSearchParams(location.search);
const state = STATES[query.get("state") ?? "conversation"];
if (!state) throw new Error("no such state");
window.asked = [];
const first = watched(state());
const texts = query.get("lang") === "de" ? german : english;
const theme = query.get("theme");
if (theme) document.documentElement.dataset.theme = theme;
document.documentElement.dir = query.get("dir") ?? "ltr";

function Page() {
  const [chat, setChat] = useState(first);
  window.change = (change) => flushSync(() => setChat(change));
  return <ChatRoomView chat={chat} texts={texts} header={<h1 className="page-header">Window cleaning</h1>} />;
}

/** The same room, and whatever is asked of it is noted. */
function watched(chat: Chat): Chat {
  const noted = Object.entries(chat).map(([name, value]) => {
    if (typeof value !== "function") return [name, value];
    const note = (...given: unknown[]) => {
      window.asked.push([name, ...given]);
      return value(...given);
    };
    return [name, note];
  });
  return Object.fromEntries(noted);
}

const page = document.getElementById("page");
if (!page) throw new Error("the page is another");
const root = createRoot(page);
const begun = performance.now();
flushSync(() =>
  root.render(
    <StrictMode>
      <Page />
    </StrictMode>,
  ),
);
window.drawnIn = performance.now() - begun;
