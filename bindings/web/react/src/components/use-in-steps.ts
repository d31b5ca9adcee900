/** The list knows how large its rows are by their places: one drawing may change it at one of its ends only. */

import { useReducer, useRef } from "react";
import type { Row } from "./rows.js";
import { useBrowserLayoutEffect } from "./use-browser-layout-effect.js";

/** The rows; where both ends change at once, as when older ones come and the newest are let go, in two drawings. */
export function useInSteps(rows: readonly Row[]): readonly Row[] {
  const shown = useRef(rows);
  const [, draw] = useReducer((drawings: number) => drawings + 1, 0);
  const step = stepTo(shown.current, rows);
  useBrowserLayoutEffect(() => {
    shown.current = step;
    if (step !== rows) draw();
  });
  return step;
}

/** What is to be drawn next on the way from the rows that are shown to those that are to be. */
export function stepTo(shown: readonly Row[], rows: readonly Row[]): readonly Row[] {
  const [first, start] = [keyAt(shown, 0), keyAt(rows, 0)];
  const [ahead, gone] = [placeOf(rows, first), placeOf(shown, start)];
  // What was not sent is the last one whatever comes and goes above it: that nothing else went shows in how many there are.
  const isSameEnd = keyAt(rows, -1) === keyAt(shown, -1) && rows.length - shown.length === (ahead > 0 ? ahead : -gone);
  if (start === first || isSameEnd) return rows;
  if (ahead > 0) return [...rows.slice(0, ahead), ...shown];
  return gone < 0 ? rows : [...shown.slice(0, gone), ...rows];
}

const keyAt = (rows: readonly Row[], place: number): string | undefined => rows.at(place)?.message.key;
const placeOf = (rows: readonly Row[], key: string | undefined): number =>
  rows.findIndex(({ message }) => message.key === key);
