/** Who types now. */

import type { TypingUser } from "../types.js";
import type { Texts } from "./texts.js";
import { useTexts } from "./texts-context.js";

/** By their names; of those whose names are not known, how many they are. */
export function whoTypes(users: readonly TypingUser[], texts: Texts): string {
  const names = users.filter(({ isKnown }) => isKnown).map(({ name }) => name);
  return texts.typing(names, users.length);
}

export function TypingIndicator({ users }: { readonly users: readonly TypingUser[] }) {
  const texts = useTexts();
  return (
    <div className="ce-typing" aria-live="polite">
      {users.length > 0 && (
        <>
          <span className="ce-typing-dots" aria-hidden="true">
            <span />
            <span />
            <span />
          </span>
          <span dir="auto">{whoTypes(users, texts)}</span>
        </>
      )}
    </div>
  );
}
