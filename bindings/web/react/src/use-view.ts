/** A part of a view, as a hook: the component is drawn again only when that part changes. */

import { useRef, useSyncExternalStore } from "react";
import type { View } from "./view.js";

/** What `select` makes of a view; `same` says when two of those need not be told apart. */
export function useView<T, S>(view: View<T>, select: (state: T) => S, same: (a: S, b: S) => boolean = Object.is): S {
  const last = useRef<{ value: S } | null>(null);
  const pick = (state: T): S => {
    const value = select(state);
    if (last.current && same(last.current.value, value)) return last.current.value;
    last.current = { value };
    return value;
  };
  return useSyncExternalStore(
    view.subscribe,
    () => pick(view.getSnapshot()),
    () => pick(view.initial),
  );
}
