/** Chance that can be had again: a failure names its seed. `SEED=7 npm test` tries that one alone. */

/** Whole numbers from 0 to below `sides`, the same for the same seed (mulberry32). */
export function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

/** Seeds to try: others on each day, the same for all of it; the name of each test shows its own. */
export function seeds(count: number): number[] {
  if (process.env.SEED) return [Number(process.env.SEED)];
  const today = Math.floor(Date.now() / 86_400_000) * 10_000;
  return Array.from({ length: count }, (_, n) => today + n);
}
