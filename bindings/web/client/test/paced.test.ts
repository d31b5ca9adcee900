/** What is drawn is told once a frame, and misses nothing. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { paced } from "../src/index.js";
import { Observable } from "../src/store.js";

class Counter extends Observable<number> {
  #count = 0;

  protected override picture(): number {
    return this.#count;
  }

  add(): void {
    this.#count += 1;
    this.changed();
  }
}

/** Frames that come when the test says. */
const frames: (() => void)[] = [];
const frame = () => {
  for (const run of frames.splice(0)) run();
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => frames.push(run));
  vi.stubGlobal("cancelAnimationFrame", (at: number) => frames.splice(at - 1, 1, () => {}));
});
afterEach(() => {
  frames.length = 0;
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** What a listener saw each time that it was told. */
function seen(counter: Counter): { told: number[]; stop: () => void } {
  const told: number[] = [];
  const store = paced(counter);
  const stop = store.subscribe(() => told.push(store.getSnapshot()));
  return { told, stop };
}

test("the first change is told at once, those of a frame together at its end, and the last one always", () => {
  const counter = new Counter();
  const { told } = seen(counter);
  for (let n = 0; n < 1_000; n += 1) counter.add();
  expect(told).toEqual([1]);
  frame();
  expect(told).toEqual([1, 1_000]);
  counter.add();
  counter.add();
  frame();
  frame();
  frame();
  expect(told).toEqual([1, 1_000, 1_002]);
  // A quiet frame later, a change is told at once again.
  counter.add();
  expect(told).toEqual([1, 1_000, 1_002, 1_003]);
});

test("a page that gets no frames is told all the same", () => {
  const counter = new Counter();
  const { told } = seen(counter);
  counter.add();
  counter.add();
  vi.advanceTimersByTime(100);
  expect(told).toEqual([1, 2]);
  // The frame that comes after all tells nothing twice.
  frame();
  expect(told).toEqual([1, 2]);
});

test("without frames there are microtasks", async () => {
  vi.stubGlobal("requestAnimationFrame", undefined);
  const counter = new Counter();
  const { told } = seen(counter);
  counter.add();
  counter.add();
  counter.add();
  expect(told).toEqual([1]);
  await Promise.resolve();
  expect(told).toEqual([1, 3]);
});

test("who stopped is told nothing more, and the others go on", () => {
  const counter = new Counter();
  const [one, other] = [seen(counter), seen(counter)];
  counter.add();
  counter.add();
  one.stop();
  frame();
  expect(one.told).toEqual([1]);
  expect(other.told).toEqual([1, 2]);
});
