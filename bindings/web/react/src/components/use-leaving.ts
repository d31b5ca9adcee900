/** Whether somebody begins to move away from the end: by wheel, finger, scroll bar or key. */

import { type RefObject, useEffect } from "react";

const UPWARDS = ["ArrowUp", "PageUp", "Home"];

/** As long as it takes at most until the list moves, on a slow device. */
const BEGINS_MS = 2_000;

/**
 * Calls `begins` before the list moves. Where it stands alone cannot tell: that also changes by what comes. Calls `ends`
 * where somebody turned round, and after as long as it may take to begin.
 */
export function useLeaving(box: RefObject<HTMLElement | null>, begins: () => void, ends: () => void): void {
  useEffect(() => {
    const list = box.current;
    if (!list) return;
    let begun: ReturnType<typeof setTimeout> | undefined;
    let finger: number | undefined;
    const end = () => {
      clearTimeout(begun);
      ends();
    };
    const begin = () => {
      if (list.scrollTop <= 0) return;
      clearTimeout(begun);
      begun = setTimeout(ends, BEGINS_MS);
      begins();
    };
    const onWheel = ({ deltaY, ctrlKey }: WheelEvent) => {
      if (ctrlKey) return;
      if (deltaY < 0) begin();
      else end();
    };
    const onTouch = ({ touches }: TouchEvent) => {
      finger = touches[0]?.clientY;
    };
    const onDrag = ({ touches }: TouchEvent) => {
      const [before, now] = [finger, touches[0]?.clientY];
      finger = now;
      if (before === undefined || now === undefined || touches.length > 1) return;
      // The list goes where the finger goes: what is further up comes down with it.
      if (now > before) begin();
      else if (now < before) end();
    };
    const onKey = ({ key }: KeyboardEvent) => UPWARDS.includes(key) && begin();
    // Of the list's own parts only the scroll bar, which is not for fingers, and the gaps are nothing but the list.
    const onPointer = ({ target, pointerType }: PointerEvent) => target === list && pointerType !== "touch" && begin();
    list.addEventListener("wheel", onWheel, { passive: true });
    list.addEventListener("touchstart", onTouch, { passive: true });
    list.addEventListener("touchmove", onDrag, { passive: true });
    list.addEventListener("keydown", onKey);
    list.addEventListener("pointerdown", onPointer);
    return () => {
      clearTimeout(begun);
      list.removeEventListener("wheel", onWheel);
      list.removeEventListener("touchstart", onTouch);
      list.removeEventListener("touchmove", onDrag);
      list.removeEventListener("keydown", onKey);
      list.removeEventListener("pointerdown", onPointer);
    };
  }, [box, begins, ends]);
}
