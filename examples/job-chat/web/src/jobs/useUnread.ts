import { useChatRooms } from "@chat-engine/react";

/** How much is unread in the chat of each job. */
export function useUnread(): (job: number) => number {
  const { rooms } = useChatRooms();
  const counts = new Map(rooms.map(({ key, unreadCount }) => [key, unreadCount]));
  return (job) => counts.get(`job:${job}`) ?? 0;
}
