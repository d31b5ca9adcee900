import { useWebSocket } from "@chat-engine/react";
import { useEffect } from "react";
import { useNavigate } from "react-router";

/** A new message while nobody looks at the page is told on the desktop, where that was allowed. */
export function useDesktopNotifications(): void {
  const { client } = useWebSocket();
  const navigate = useNavigate();
  useEffect(
    () =>
      client.on("message", ({ room, message, live }) => {
        const mine = message.sender === client.me;
        if (!live || mine || !message.sender || !document.hidden) return;
        if (!("Notification" in window) || Notification.permission !== "granted") return;
        const { info, participants } = room.getSnapshot();
        const sender = participants.find(({ user_id }) => user_id === message.sender);
        const notice = new Notification(sender?.name ?? info?.name ?? "New message", {
          body: message.content ?? "",
          // The latest word in a chat takes the place of the one before it.
          tag: message.room,
          icon: "/icon.svg",
        });
        notice.onclick = () => {
          window.focus();
          if (info?.key) navigate(`/jobs/${info.key.replace("job:", "")}/chat`);
          notice.close();
        };
      }),
    [client, navigate],
  );
}
