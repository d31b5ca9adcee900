// @vitest-environment node
/** The components on a server: something is there at once, and React does not complain. */

import type { ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { expect, test, vi } from "vitest";
import { ChatRoom, ChatRoomList, german, UnreadBadge } from "../../src/components/index.js";
import { WebSocketProvider } from "../../src/index.js";

const rendered = (what: ReactNode) =>
  renderToString(
    <WebSocketProvider
      url="ws://chat.example.com/ws/"
      token={() => Promise.reject(new Error("not here"))}
      userKey="ann"
    >
      {what}
    </WebSocketProvider>,
  );

test("a room, a list and a badge are rendered where there is no browser", () => {
  const complaints = [vi.spyOn(console, "error"), vi.spyOn(console, "warn")];
  expect(rendered(<ChatRoom roomId={42} texts={german} />)).toMatch(
    /<section class="ce-room ".* lang="de">.*<textarea/s,
  );
  expect(rendered(<ChatRoomList onSelect={() => {}} />)).toContain("Loading…");
  expect(rendered(<UnreadBadge count={120} />)).toMatch(/aria-label="120 unread"[^>]*>99\+</);
  expect(rendered(<UnreadBadge count={0} />)).toBe("");
  for (const complaint of complaints) expect(complaint).not.toHaveBeenCalled();
});
