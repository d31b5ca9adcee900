/** What somebody wrote: text with its addresses made links. It is never markup. */

import { memo } from "react";
import { linkify } from "./linkify.js";

export const RichText = memo(function RichText({ text }: { readonly text: string }) {
  let at = 0;
  return linkify(text).map((part) => {
    const key = at;
    at += part.text.length;
    if (part.href === undefined) return part.text;
    return (
      <a key={key} href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">
        {part.text}
      </a>
    );
  });
});
