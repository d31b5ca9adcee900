/** The gate under random loss, duplication, reordering and overlap, as the core's own. */

import { expect, test } from "vitest";
import { Gate } from "../src/gate.js";
import { dice, seeds } from "./support/dice.js";

const at = (from: number, to: number) => ({
  room: "room",
  rev: to,
  ...(from + 1 === to ? {} : { prev: from }),
  cursor: `after ${to}`,
});

test.each(seeds(200))("everything comes out once and in order (seed %i)", (seed) => {
  const random = dice(seed);
  const fetches = random(2) === 0;
  const gate = new Gate<[number, number]>(0, "after 0");
  let reached = 0;
  const deliver = (items: [number, number][]) => {
    for (const [from, to] of items) {
      expect(from <= reached && to > reached, `a hole or a repeat: ${from}..${to} at ${reached}`).toBe(true);
      reached = to;
    }
  };
  for (let n = random(200); n > 0; n -= 1) {
    const from = random(60);
    const to = from + 1 + random(4);
    const step = gate.offer(at(from, to), [from, to]);
    if (step === "known") expect(to).toBeLessThanOrEqual(reached);
    else if (step !== "missing") deliver(step.deliver);
    else {
      expect(from).toBeGreaterThan(reached);
      if (fetches) {
        reached = to;
        deliver(gate.reached(to, `after ${to}`));
      }
    }
    expect([gate.rev, gate.cursor]).toEqual([reached, `after ${reached}`]);
  }
});

test.each(seeds(100))("a log that is lost, doubled and swapped on the way is complete in the end (seed %i)", (seed) => {
  const random = dice(seed);
  const last = 1 + random(80);
  // Each change comes zero to two times, anywhere.
  const frames = Array.from({ length: last }, (_, n) => n + 1)
    .flatMap((rev) => Array.from({ length: random(3) }, () => ({ rev, place: rev + random(10) })))
    .sort((a, b) => a.place - b.place);
  const gate = new Gate<number>(0, "after 0");
  const applied: number[] = [];
  const fetch = (to: number) => {
    for (let rev = gate.rev + 1; rev <= to; rev += 1) applied.push(rev);
    applied.push(...gate.reached(to, `after ${to}`));
  };
  for (const { rev } of frames) {
    const step = gate.offer(at(rev - 1, rev), rev);
    if (step === "missing" && random(3) === 0) fetch(rev - 1);
    else if (step !== "missing" && step !== "known") applied.push(...step.deliver);
  }
  fetch(last);
  expect(applied).toEqual(Array.from({ length: last }, (_, n) => n + 1));
  // Nothing waits any more.
  expect(gate.reached(last, "the end")).toEqual([]);
});

test("what is parked is bounded, and what was dropped is fetched like any other gap", () => {
  const gate = new Gate<number>(0, "after 0");
  for (let rev = 2; rev < 10_000; rev += 1) expect(gate.offer(at(rev - 1, rev), rev)).toBe("missing");
  const released = gate.reached(1, "after 1");
  expect(released).toEqual(Array.from({ length: 256 }, (_, n) => n + 2));
});
