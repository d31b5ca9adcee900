/** What the ticks beside a message say. */

import type { Message, Participant } from "./protocol.js";

/** `sent`: the server has it. `delivered`, `read`: so has everybody else in the room who may read it. */
export type Receipt = "sent" | "delivered" | "read";

/**
 * How far one's own message has come with the others in the room, of those who are known: in a large room not all are
 * (`hasAllParticipants`).
 *
 * @example
 * ```ts
 * const { messages, participants } = room.getSnapshot();
 * const ticks = messages.map((message) => receiptOf(message, participants)); // ["read", "delivered", "sent"]
 * ```
 */
export function receiptOf(message: Message, participants: readonly Participant[]): Receipt {
  const others = readersOf(message, participants);
  if (others.length === 0) return "sent";
  if (others.every(({ read_seq }) => read_seq >= message.seq)) return "read";
  return others.every(({ delivered_seq }) => delivered_seq >= message.seq) ? "delivered" : "sent";
}

/** Who has read a message, its author left out. */
export function readBy(message: Message, participants: readonly Participant[]): Participant[] {
  return readersOf(message, participants).filter(({ read_seq }) => read_seq >= message.seq);
}

/** Everybody else who may read a message: what was said before somebody came may not be theirs to read. */
function readersOf({ sender, seq }: Message, participants: readonly Participant[]): Participant[] {
  return participants.filter(({ user_id, visible_from = 1 }) => user_id !== sender && visible_from <= seq);
}
