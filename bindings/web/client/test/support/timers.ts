/** The client's own timers: those of the tests, and of what Node brings, come and go as they like. */

/** Watches what the client sets from now on. `count` says how many are still to come; `end` watches no more. */
export function ownTimers(): { count: () => number; end: () => void } {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const left = new Set<unknown>();
  const watched = (run: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) => {
    const caller = new Error().stack?.split("\n")[2] ?? "";
    const timer = set(() => {
      left.delete(timer);
      run(...given);
    }, ms);
    if (caller.includes("/client/src/")) left.add(timer);
    return timer;
  };
  globalThis.setTimeout = Object.assign(watched, set) as unknown as typeof set;
  globalThis.clearTimeout = (timer) => {
    left.delete(timer);
    clear(timer);
  };
  const end = () => {
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  };
  return { count: () => left.size, end };
}
