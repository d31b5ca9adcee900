import { useWebSocket } from "@chat-engine/react";
import { useEffect } from "react";
import { useNavigate } from "react-router";
import { useJobs } from "../jobs/JobsProvider.js";

/** A new message while nobody looks at the page is told on the desktop, where that was allowed. */
export function useDesktopNotifications(): void {
  const { client } = useWebSocket();
  const { jobs } = useJobs();
  const navigate = useNavigate();
  useEffect(
    () =>
      client.on("message", ({ room, message, live }) => {
        if (!live || !message.sender || message.sender === client.me || !document.hidden) return;
        if (!("Notification" in window) || Notification.permission !== "granted") return;
        const job = jobs?.find(({ id }) => room.getSnapshot().info?.key === `job:${id}`);
        if (!job) return;
        const sender = [job.client, job.cleaner].find(({ id }) => id === message.sender);
        const notice = notify(sender?.name ?? job.title, {
          body: message.content || message.attachments?.[0]?.name || "",
          // The latest word in a chat takes the place of the one before it.
          tag: message.room,
          icon: "/icon.svg",
        });
        if (!notice) return;
        notice.onclick = () => {
          window.focus();
          navigate(`/jobs/${job.id}/chat`);
          notice.close();
        };
      }),
    [client, jobs, navigate],
  );
}

/** On Android a page may ask, is allowed, and cannot: notices are a service worker's there, and this page has none. */
function notify(title: string, options: NotificationOptions): Notification | undefined {
  try {
    return new Notification(title, options);
  } catch {
    return undefined;
  }
}
