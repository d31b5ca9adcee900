/** A text field as high as its text; the style sheet says how high it may become. */

import { type RefObject, useEffect } from "react";
import { useBrowserLayoutEffect } from "./use-browser-layout-effect.js";

export function useGrowing(field: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useBrowserLayoutEffect(() => {
    if (field.current) fit(field.current);
  }, [field, text]);

  // The lines break elsewhere when a phone is turned.
  useEffect(() => {
    const area = field.current;
    if (!area) return;
    let frame = 0;
    let width = area.clientWidth;
    const observer = new ResizeObserver(() => {
      if (area.clientWidth === width) return;
      width = area.clientWidth;
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => fit(area));
    });
    observer.observe(area);
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
    };
  }, [field]);
}

function fit(area: HTMLTextAreaElement): void {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}
