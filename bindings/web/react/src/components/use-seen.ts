/** Whether the user can see something now, and a word whenever that changes. */

import { type RefObject, useEffect } from "react";

/** Whether somebody looks at this page, and the element is on it and not scrolled away. */
export function isSeen(element: HTMLElement): boolean {
  if (document.visibilityState !== "visible" || !document.hasFocus()) return false;
  const { top, bottom, left, right, height } = element.getBoundingClientRect();
  return height > 0 && bottom > 0 && right > 0 && top < window.innerHeight && left < window.innerWidth;
}

/** Calls `look` whenever the user comes to the page, and the element to the user. */
export function useReturn(box: RefObject<HTMLElement | null>, look: () => void): void {
  useEffect(() => {
    const observer = new IntersectionObserver(look);
    if (box.current) observer.observe(box.current);
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      observer.disconnect();
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }, [box, look]);
}
