import { useUnreadTotal } from "@chat-engine/react";
import { useEffect } from "react";

/** How much is unread, in the tab's title. */
export function UnreadTitle() {
  const unread = useUnreadTotal();
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Brightside` : "Brightside";
    return () => {
      document.title = "Brightside";
    };
  }, [unread]);
  return null;
}
