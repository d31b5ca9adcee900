/** How many messages are unread; nothing where there are none. */

import { useTexts } from "./texts-context.js";

export interface UnreadBadgeProps {
  readonly count: number;
  /** Above it stands `99+`. */
  readonly max?: number;
}

export function UnreadBadge({ count, max = 99 }: UnreadBadgeProps) {
  const texts = useTexts();
  if (count <= 0) return null;
  return (
    <span className="ce-unread-badge" role="img" aria-label={texts.unread(count)}>
      {count > max ? `${max}+` : count}
    </span>
  );
}
