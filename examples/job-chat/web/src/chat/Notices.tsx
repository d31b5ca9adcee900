import { useUnreadTotal } from "@chat-engine/react";
import { useEffect } from "react";
import { useDesktopNotifications } from "./useDesktopNotifications.js";

/** What tells of new messages wherever one is on the page, and beside it: the tab's title, and the desktop. */
export function Notices() {
  useDesktopNotifications();
  const unread = useUnreadTotal();
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Brightside` : "Brightside";
    return () => {
      document.title = "Brightside";
    };
  }, [unread]);
  return null;
}
