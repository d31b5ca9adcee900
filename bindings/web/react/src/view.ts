/** What a part of an interface shows, made of what the client knows. */

import { paced, type Store } from "@chat-engine/client";

/** A store over other stores: it changes when one of them does, at most once a frame. */
export abstract class View<T> implements Store<T> {
  /** What there is before anything is known: what a server renders, and what a browser takes that over with. */
  abstract readonly initial: T;
  readonly subscribe: Store<T>["subscribe"];

  constructor(...sources: readonly Store<unknown>[]) {
    const together = (listener: () => void) => {
      const stops = sources.map((source) => source.subscribe(listener));
      return () => {
        for (const stop of stops) stop();
      };
    };
    this.subscribe = paced({ subscribe: together, getSnapshot: () => this.getSnapshot() }).subscribe;
  }

  /** The same object until something in it changes. */
  abstract readonly getSnapshot: () => T;
}

/** Whether two lists have the same entries. */
export function sameList<T>(a: readonly T[], b: readonly T[], same: (a: T, b: T) => boolean = Object.is): boolean {
  return a.length === b.length && a.every((entry, at) => same(entry, b[at] as T));
}

/** Whether two objects have the same fields. */
export function sameFields<T extends object>(a: T, b: T): boolean {
  const [left, right] = [Object.entries(a), b as Record<string, unknown>];
  return left.length === Object.keys(b).length && left.every(([name, value]) => Object.is(value, right[name]));
}

/** `now`, or `before` where that is the same list: then nobody need draw it again. */
export function keep<T>(before: readonly T[], now: readonly T[], same?: (a: T, b: T) => boolean): readonly T[] {
  return sameList(before, now, same) ? before : now;
}
