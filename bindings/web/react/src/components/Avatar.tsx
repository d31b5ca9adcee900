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

/** For the eye alone: the name stands beside it. */
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

function colourOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % COLOURS;
}

/** The first letters of the first and the last word. */
export function initials(name: string): string {
  const words = name.split(/[\s@._-]+/u).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase();
}
