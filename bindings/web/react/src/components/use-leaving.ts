/** Whether somebody begins to move away from the end: by wheel, finger, scroll bar or key. */

import { type RefObject, useEffect, useRef } from "react";

const UPWARDS: ReadonlySet<string> = new Set(["ArrowUp", "PageUp", "Home"]);

/** As long as it takes at most until the list moves, on a slow device. */
const BEGINS_MS = 2_000;

/**
 * Calls `leave` before the list moves. Where it stands alone cannot tell: that also changes by what comes.
 * What it returns is true from then on, for as long as it may take to begin; whoever sees it moved away makes it false.
 */
export function useLeaving(box: RefObject<HTMLElement | null>, leave: () => void): { current: boolean } {
  const leaves = useRef(false);
  useEffect(() => {
    const list = box.current;
    if (!list) return;
    let begun: ReturnType<typeof setTimeout> | undefined;
    const begin = () => {
      if (list.scrollTop <= 0) return;
      leaves.current = true;
      clearTimeout(begun);
      begun = setTimeout(() => {
        leaves.current = false;
      }, BEGINS_MS);
      leave();
    };
    const onWheel = ({ deltaY, ctrlKey }: WheelEvent) => {
      if (ctrlKey) return;
      if (deltaY < 0) begin();
      else leaves.current = false;
    };
    const onKey = ({ key }: KeyboardEvent) => UPWARDS.has(key) && begin();
    // Of the list's own parts only the scroll bar is nothing but the list.
    const onPointer = ({ target }: PointerEvent) => target === list && begin();
    list.addEventListener("wheel", onWheel, { passive: true });
    list.addEventListener("touchmove", begin, { passive: true });
    list.addEventListener("keydown", onKey);
    list.addEventListener("pointerdown", onPointer);
    return () => {
      clearTimeout(begun);
      leaves.current = false;
      list.removeEventListener("wheel", onWheel);
      list.removeEventListener("touchmove", begin);
      list.removeEventListener("keydown", onKey);
      list.removeEventListener("pointerdown", onPointer);
    };
  }, [box, leave]);
  return leaves;
}
