/** What stands where messages will be, while they are awaited. */

import { useTexts } from "./texts-context.js";

const SHAPES = ["them-long", "them-short", "mine-short", "them-long", "mine-long"] as const;

export function Skeleton() {
  const texts = useTexts();
  return (
    <div className="ce-skeleton" role="status" aria-label={texts.loading}>
      {SHAPES.map((shape, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are always the same.
        <span key={at} data-shape={shape} />
      ))}
    </div>
  );
}
