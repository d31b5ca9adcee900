/** The way from the rows that are shown to others: one end at a time, and no row is lost on it. */

import { expect, test } from "vitest";
import type { Row } from "../../src/components/rows.js";
import { stepTo } from "../../src/components/use-in-steps.js";

/** Rows from one number to another. */
const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ message: { key: `${from + n}` } }) as Row);

/** The same, and below them one that was not sent: it is the last, whatever is held of the others. */
const failed = (from: number, to: number) => [...rows(from, to), ...rows(99, 99)];

const keys = (all: readonly Row[]) => all.map(({ message }) => Number(message.key));

/** Every step, until there is no other. */
function steps(from: Row[], to: Row[]): number[][] {
  const drawn: number[][] = [];
  let shown: readonly Row[] = from;
  while (shown !== to && drawn.length < 5) {
    shown = stepTo(shown, to);
    drawn.push(keys(shown));
  }
  return drawn;
}

test.each([
  ["nothing was shown", rows(1, 0), rows(1, 3), [rows(1, 3)]],
  ["new ones come", rows(1, 3), rows(1, 5), [rows(1, 5)]],
  ["older ones come", rows(4, 6), rows(1, 6), [rows(1, 6)]],
  ["older ones come, and the newest go", rows(4, 8), rows(1, 5), [rows(1, 8), rows(1, 5)]],
  ["older and new ones come", rows(4, 6), rows(1, 8), [rows(1, 6), rows(1, 8)]],
  ["new ones come, and the oldest go", rows(1, 5), rows(3, 8), [rows(1, 8), rows(3, 8)]],
  ["older ones come before what failed, and the newest go", failed(4, 8), failed(1, 5), [failed(1, 8), failed(1, 5)]],
  ["new ones come before what failed, and the oldest go", failed(1, 5), failed(3, 8), [failed(1, 8), failed(3, 8)]],
  ["older ones come, the last goes, and one is written", rows(4, 8), failed(1, 7), [rows(1, 8), failed(1, 7)]],
  ["both ends go", rows(1, 8), rows(3, 5), [rows(1, 5), rows(3, 5)]],
  ["all others", rows(1, 3), rows(7, 9), [rows(7, 9)]],
])("%s", (_, from, to, drawn) => {
  expect(steps(from, to)).toEqual(drawn.map(keys));
});
