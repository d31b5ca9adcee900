/** Messages as rows: by author, by day, and by what was read. */

import { expect, test } from "vitest";
import { rowsOf } from "../../src/components/rows.js";
import type { ChatMessage } from "../../src/types.js";

interface Said {
  readonly by: string;
  readonly at: Date;
  readonly pending?: boolean;
}

/** A moment of a day of November, here. */
const on = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute);

const messages = (all: readonly Said[]) =>
  all.map(
    ({ by, at, pending }, n) =>
      ({
        key: `m${n}`,
        sender: by,
        isMine: by === "me",
        message_type: by === "system" ? "system" : "text",
        created_at: at.toISOString(),
        ...(pending ? {} : { seq: n + 1 }),
      }) as ChatMessage,
  );

/** Each row in letters: Day, Unread, first (`[`) and last (`]`) of a group. */
const drawn = (all: readonly Said[], unreadFrom: number | null = null) =>
  rowsOf(messages(all), unreadFrom, new Date().toDateString()).map(
    ({ startsDay, startsUnread, first, last }) =>
      `${startsDay ? "D" : ""}${startsUnread ? "U" : ""}${first ? "[" : ""}${last ? "]" : ""}`,
  );

test("one author's messages are a group, until somebody else writes or five minutes have passed", () => {
  const said = [
    { by: "ben", at: on(25, 10, 0) },
    { by: "ben", at: on(25, 10, 4) },
    { by: "ben", at: on(25, 10, 10) },
    { by: "ida", at: on(25, 10, 11) },
    { by: "me", at: on(25, 10, 11) },
    { by: "me", at: on(25, 10, 12), pending: true },
  ];
  expect(drawn(said)).toEqual(["D[", "]", "[]", "[]", "[", "]"]);
});

test("what the system says stands alone", () => {
  const said = ["ben", "system", "ben", "system", "system"].map((by) => ({ by, at: on(25, 10) }));
  expect(drawn(said)).toEqual(["D[]", "[]", "[]", "[]", "[]"]);
});

test("a day begins a group, also within five minutes", () => {
  const said = [
    { by: "ben", at: on(24, 23, 59) },
    { by: "ben", at: on(25, 0, 1) },
    { by: "ben", at: on(25, 0, 2) },
  ];
  expect(drawn(said)).toEqual(["D[]", "D[", "]"]);
});

test("the line stands above the first unread message that is not mine, once", () => {
  const said = ["ben", "ben", "me", "ben", "ben"].map((by) => ({ by, at: on(25, 10) }));
  expect(drawn(said, 3)).toEqual(["D[", "]", "[]", "U[", "]"]);
  expect(drawn(said, 1)).toEqual(["DU[", "]", "[]", "[", "]"]);
  expect(drawn(said, 2)).toEqual(["D[]", "U[]", "[]", "[", "]"]);
  expect(drawn(said, 6)).toEqual(["D[", "]", "[]", "[", "]"]);
});

test("of nothing there is nothing", () => {
  expect(rowsOf([], 3, "")).toEqual([]);
});
