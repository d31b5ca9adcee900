/** Who types now. */

import type { TypingUser } from "../types.js";
import { useTexts } from "./texts-context.js";

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
          <span dir="auto">{texts.typing(users.map(({ name }) => name))}</span>
        </>
      )}
    </div>
  );
}
