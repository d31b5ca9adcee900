/** The window of messages: without a hole and bounded, whatever comes and in which order. */

import { expect, test } from "vitest";
import type { Message } from "../src/index.js";
import { MessageWindow } from "../src/window.js";
import { dice, seeds } from "./support/dice.js";

const message = (seq: number, rev = seq): Message => ({
  id: `${seq}`,
  room: "room",
  seq,
  rev,
  sender: "ann",
  message_type: "text",
  content: `${seq}/${rev}`,
  created_at: "2026-01-01T00:00:00.000Z",
});
const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
const page = (from: number, to: number) => range(from, to).map((seq) => message(seq));
const seqs = (window: MessageWindow) => window.messages.map(({ seq }) => seq);

test.each(seeds(100))("it is always a part of the history without a hole (seed %i)", (seed) => {
  const random = dice(seed);
  const limit = 5 + random(30);
  let [head, rev] = [random(60), 1_000];
  const edits = new Map<number, number>();
  const read = (from: number, to: number) => range(from, to).map((seq) => message(seq, edits.get(seq) ?? seq));
  let window = new MessageWindow(limit, read(Math.max(1, head - 9), head), { older: head > 10, newer: false });
  for (let n = 0; n < 100; n += 1) {
    const [first, last] = [window.first?.seq ?? 1, window.last?.seq ?? 0];
    switch (random(6)) {
      case 0:
      case 1:
        head += 1;
        window.apply(message(head));
        break;
      case 2: {
        if (head === 0) break;
        const seq = 1 + random(head);
        rev += 1;
        edits.set(seq, rev);
        window.apply(message(seq, rev));
        break;
      }
      case 3:
        if (window.hasOlder) window.older(read(Math.max(1, first - 10), first - 1), first - 10 > 1);
        break;
      case 4:
        if (window.hasNewer) window.newer(read(last + 1, Math.min(head, last + 10)), last + 10 < head);
        break;
      case 5: {
        if (head === 0) break;
        const around = 1 + random(head);
        const [from, to] = [Math.max(1, around - 4), Math.min(head, around + 4)];
        window = new MessageWindow(limit, read(from, to), { older: from > 1, newer: to < head });
      }
    }
    const held = seqs(window);
    expect(held.length).toBeLessThanOrEqual(limit);
    if (held.length === 0) continue;
    const [from, to] = [held[0] as number, held.at(-1) as number];
    expect(held).toEqual(range(from, to));
    expect([window.hasOlder, window.hasNewer]).toEqual([from > 1, to < head]);
    expect(window.messages.map((held) => held.rev)).toEqual(held.map((seq) => edits.get(seq) ?? seq));
  }
});

test("the end at which somebody reads stays", () => {
  const window = new MessageWindow(10, page(11, 20), { older: true, newer: false });
  window.older(page(6, 10), true);
  expect(seqs(window)).toEqual(range(6, 15));
  // Who reads older messages is not pulled away by new ones.
  window.apply(message(21));
  expect([seqs(window), window.hasNewer]).toEqual([range(6, 15), true]);
  window.newer(page(16, 21), false);
  expect([seqs(window), window.hasOlder]).toEqual([range(12, 21), true]);
});

test("a page that was read earlier and arrives later takes nothing back", () => {
  const window = new MessageWindow(10, page(5, 6), { older: true, newer: false });
  window.apply(message(5, 40));
  window.older([message(4), message(5)], true);
  expect(window.messages.map(({ content }) => content)).toEqual(["4/4", "5/40", "6/6"]);
});

test("the array is the same until something changes", () => {
  const window = new MessageWindow(10, page(1, 3), { older: false, newer: false });
  const { messages } = window;
  expect(window.messages).toBe(messages);
  window.apply(message(4));
  expect(window.messages).not.toBe(messages);
  expect(messages.length).toBe(3);
});
