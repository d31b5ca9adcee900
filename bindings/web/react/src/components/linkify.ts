/** Addresses within a text. */

import { isUrl } from "./safe-url.js";

/** A part of a text; with an address if it is one. */
export interface Part {
  readonly text: string;
  readonly href?: string;
}

// Nothing but these three can become a link: no `javascript:`, `data:` or `file:`.
const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+|\b[\w.+-]{1,64}@[a-z\d-]+(?:\.[a-z\d-]+)+/giu;

/** What may end a sentence, and rarely an address. */
const AFTER = ".,:;!?…'\"»”’)]}";

/** Splits a text into what are addresses and what are not; together they are the text again. */
export function linkify(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const link = trimmed(found);
    const href = hrefOf(link);
    if (href === undefined) continue;
    if (index > end) parts.push({ text: text.slice(end, index) });
    parts.push({ text: link, href });
    end = index + link.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/**
 * Leaves out what ends the sentence; a bracket stays if it was opened within the address. It goes over the text once:
 * somebody may send 16 KiB of brackets.
 */
function trimmed(found: string): string {
  let end = found.length;
  let open = count(found, "(") - count(found, ")");
  for (; AFTER.includes(found.charAt(end - 1)); end -= 1) {
    if (found.charAt(end - 1) !== ")") continue;
    if (open >= 0) break;
    open += 1;
  }
  return found.slice(0, end);
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}

function hrefOf(link: string): string | undefined {
  const address = /^https?:/iu.test(link) ? link : /^www\./iu.test(link) ? `https://${link}` : `mailto:${link}`;
  return isUrl(address) ? address : undefined;
}
