/** How long to wait before something is tried again. */

import type { ChatError } from "./errors.js";

/** The bounds of waiting, in milliseconds. */
export interface Backoff {
  /** The longest first wait. Default 500. */
  base: number;
  /** The longest wait of all. Default 30,000. */
  cap: number;
}

/**
 * A wait with full jitter: evenly between nothing and a bound that doubles with each attempt. So ten thousand clients
 * that lost the same server do not come back together.
 *
 * `told` is what the server asked for; it is never undercut, and only spread a little.
 */
export function delay(attempt: number, { base, cap }: Backoff, random: () => number, told?: number): number {
  if (told !== undefined) return told + random() * base;
  return random() * Math.min(cap, base * 2 ** Math.min(attempt, 16));
}

/** How long to wait before what failed with `later` is tried again: as the server says, or a second. */
export function laterMs({ retryAfterMs = 1_000 }: ChatError): number {
  return retryAfterMs;
}
