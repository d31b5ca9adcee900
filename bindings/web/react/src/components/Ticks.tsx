/** How far one's own message has come: a clock, ✓, ✓✓, and coloured when all others have read it. */

import type { Progress } from "../types.js";
import { useTexts } from "./texts-context.js";

const SHAPES: Readonly<Record<Progress, string>> = {
  pending: "M8 4.5V8l2.2 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z",
  failed: "M8 4.5v4M8 11.2v.1M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z",
  sent: "m3.5 8.5 3 3 6-7",
  delivered: "m1 8.5 3 3 6-7M7.6 10.6l.9.9 6-7",
  read: "m1 8.5 3 3 6-7M7.6 10.6l.9.9 6-7",
};

export function Ticks({ progress }: { readonly progress: Progress }) {
  const texts = useTexts();
  return (
    <svg
      className="ce-ticks"
      data-progress={progress}
      viewBox="0 0 16 16"
      role="img"
      aria-label={texts.progress[progress]}
    >
      <path d={SHAPES[progress]} />
    </svg>
  );
}
