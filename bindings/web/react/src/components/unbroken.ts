/** Words without an end, as nobody says them, and as somebody may send them to do harm. */

/** Longer than any word or address that is meant to be read. */
const UNBROKEN = /\S{512}/;

/**
 * Whether there is such a word in a text. Where letters are fitted to their neighbours, a browser that has to break one
 * into lines fits all of it anew for each line: a message of 16 KiB takes it seconds. So these are not fitted.
 */
export function isUnbroken(text: string): boolean {
  return UNBROKEN.test(text);
}
