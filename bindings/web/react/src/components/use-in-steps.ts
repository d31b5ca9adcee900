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
  const [first, last] = [keyAt(shown, 0), keyAt(shown, -1)];
  if (keyAt(rows, 0) === first || keyAt(rows, -1) === last) return rows;
  if (placeOf(rows, first) > 0) {
    const end = placeOf(rows, last);
    if (end >= 0) return rows.slice(0, end + 1);
    const cut = placeOf(shown, keyAt(rows, -1));
    return cut < 0 ? rows : [...rows, ...shown.slice(cut + 1)];
  }
  const start = placeOf(shown, keyAt(rows, 0));
  return start < 0 ? rows : [...shown.slice(0, start), ...rows];
}

const keyAt = (rows: readonly Row[], place: number): string | undefined => rows.at(place)?.message.key;
const placeOf = (rows: readonly Row[], key: string | undefined): number =>
  rows.findIndex(({ message }) => message.key === key);
