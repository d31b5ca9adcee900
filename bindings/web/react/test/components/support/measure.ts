/** What the tests of speed measure with. */

import type { Page } from "playwright-core";

/** Says what was measured. */
export const told = (what: string) => process.stdout.write(`${what}\n`);

export const median = (all: readonly number[]) =>
  [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

/** Counts the frames that are drawn, until it is asked how long each took in milliseconds. */
export async function frames(page: Page): Promise<() => Promise<number[]>> {
  const clock = await page.evaluateHandle(() => {
    const clock = { at: [] as number[], runs: true };
    const tick = (now: number) => {
      clock.at.push(now);
      if (clock.runs) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    return clock;
  });
  return async () => {
    const at = await clock.evaluate((clock) => {
      clock.runs = false;
      return clock.at;
    });
    return at.slice(1).map((now, n) => now - (at[n] ?? now));
  };
}
