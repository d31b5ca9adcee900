/** A person's picture, or their initials on a colour that is always the same for them. */

import { useState } from "react";
import { safeUrl } from "./safe-url.js";

export interface AvatarProps {
  /** Whose it is: decides the colour. */
  readonly id: string;
  readonly name: string;
  readonly url?: string | null | undefined;
  readonly online?: boolean;
}

/** How many colours there are; the style sheet has them. */
const COLOURS = 8;

/**
 * Somebody, as messages show them: for a page's own header or list. It is for the eye alone: their name stands beside it.
 *
 * @example
 * ```tsx
 * <Avatar id={user.id} name="Kim Osei" />
 * ```
 */
export function Avatar({ id, name, url, online = false }: AvatarProps) {
  const [broken, setBroken] = useState<string>();
  const picture = safeUrl(url ?? undefined);
  return (
    <span className="ce-avatar" data-colour={colourOf(id)} aria-hidden="true">
      {picture && picture !== broken ? (
        <img src={picture} alt="" onError={() => setBroken(picture)} referrerPolicy="no-referrer" />
      ) : (
        initials(name)
      )}
      {online && <span className="ce-avatar-online" />}
    </span>
  );
}

/** Ids that differ in little have colours of their own as well (FNV-1a). */
function colourOf(id: string): number {
  let mixed = 0x811c9dc5;
  for (const letter of id) mixed = Math.imul(mixed ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return (mixed >>> 0) % COLOURS;
}

/** The first letters of the first and the last word. */
export function initials(name: string): string {
  const words = name.split(/[\s@._-]+/u).filter(Boolean);
  const ends = [words[0], ...words.slice(1).slice(-1)];
  return ends
    .map((word = "") => [...word][0])
    .join("")
    .toLocaleUpperCase();
}
