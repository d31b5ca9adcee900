/** A chat room, ready to use. */

import { useChat } from "../hooks.js";
import type { RoomRef } from "../types.js";
import { ChatRoomView, type RoomLook } from "./ChatRoomView.js";

export interface ChatRoomProps extends RoomLook {
  /** A job's number, a key, or an id. */
  readonly roomId: RoomRef;
}

/**
 * A room's messages, and where one writes. It fills its parent, which must have a height.
 *
 * @example
 * ```tsx
 * import { ChatRoom } from "@chat-engine/react/components";
 * import "@chat-engine/react/styles.css";
 *
 * export const JobChat = ({ jobId }: { jobId: number }) => <ChatRoom roomId={jobId} />;
 * ```
 */
export function ChatRoom({ roomId, ...look }: ChatRoomProps) {
  // A room of its own for each: what was begun in one does not go to another.
  return <OneRoom key={roomId} roomId={roomId} {...look} />;
}

function OneRoom({ roomId, ...look }: ChatRoomProps) {
  return <ChatRoomView chat={useChat(roomId)} {...look} />;
}
