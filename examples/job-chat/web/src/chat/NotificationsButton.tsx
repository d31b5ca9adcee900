import { useState } from "react";

/** Asks whether new messages may be told on the desktop. Browsers want that to follow a click. */
export function NotificationsButton() {
  const [permission, setPermission] = useState(() => ("Notification" in window ? Notification.permission : "denied"));
  if (permission !== "default") return null;
  return (
    <button
      className="button button-quiet"
      type="button"
      onClick={async () => setPermission(await Notification.requestPermission())}
    >
      Notify me
    </button>
  );
}
