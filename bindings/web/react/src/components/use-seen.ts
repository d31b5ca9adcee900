/** Whether the user can see the page now, and a word whenever that changes. */

import { useEffect } from "react";

/** Whether somebody looks at this page. */
export function isSeen(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** Calls `look` whenever the user comes to the page. */
export function useReturn(look: () => void): void {
  useEffect(() => {
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }, [look]);
}
