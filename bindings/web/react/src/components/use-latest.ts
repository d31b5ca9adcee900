import { useRef } from "react";
import { useBrowserLayoutEffect } from "./use-browser-layout-effect.js";

/** A value as of the last drawing, for what is called later. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useBrowserLayoutEffect(() => {
    latest.current = value;
  });
  return latest;
}
