/** The messages of a room as they are shown: each one the same object until something of it changes. */

import { ChatError, type Message, type Outgoing, type RoomSnapshot, receiptOf } from "@chat-engine/client";
import type { ChatMessage, Progress } from "./types.js";
import { keep } from "./view.js";

type Part = Pick<RoomSnapshot, "id" | "ref" | "messages" | "outbox" | "participants" | "hasAllParticipants">;

/** What a shown message was made of. */
interface Made {
  from: Message | Outgoing;
  /** What of it the server refused: an edit, a delete. */
  refused: Outgoing | undefined;
  senderName: string;
  progress: Progress;
  message: ChatMessage;
}

/** See the module. */
export class MessageList {
  #made = new Map<string, Made>();
  #shown: readonly ChatMessage[] = [];
  #of: Part | undefined;
  #me = "";

  /** What is stored, then what is on its way. */
  show(room: Part, me: string): readonly ChatMessage[] {
    const same =
      this.#me === me &&
      this.#of?.id === room.id &&
      this.#of.messages === room.messages &&
      this.#of.outbox === room.outbox &&
      this.#of.participants === room.participants &&
      this.#of.hasAllParticipants === room.hasAllParticipants;
    if (!same) this.#shown = keep(this.#shown, this.#make(room, me));
    this.#of = room;
    this.#me = me;
    return this.#shown;
  }

  #make(room: Part, me: string): ChatMessage[] {
    const made = new Map<string, Made>();
    const names = new Map(room.participants.map(({ user_id, name }) => [user_id, name ?? user_id]));
    const refusals = new Map(
      room.outbox.flatMap((entry) =>
        entry.action !== "send_message" && entry.state === "failed" ? [[entry.fields.message_id, entry] as const] : [],
      ),
    );

    const add = (
      key: string,
      from: Made["from"],
      sender: string | null,
      progress: Progress,
      make: Making,
      refused?: Outgoing,
    ) => {
      const senderName = sender === null ? "" : (names.get(sender) ?? sender);
      const old = this.#made.get(key);
      const same =
        old?.from === from && old.refused === refused && old.senderName === senderName && old.progress === progress;
      made.set(key, same ? old : { from, refused, senderName, progress, message: make({ key, senderName, progress }) });
    };

    for (const message of room.messages) {
      const isMine = message.sender !== null && message.sender === me;
      const refused = refusals.get(message.id);
      // Nothing is known of all where not all are known.
      const receipt = isMine && room.hasAllParticipants ? receiptOf(message, room.participants) : "sent";
      const progress = refused ? "failed" : receipt;
      const key = (isMine ? message.client_id : undefined) ?? message.id;
      add(key, message, message.sender, progress, (shown) => stored(message, isMine, shown, refused), refused);
    }
    for (const entry of room.outbox) {
      // Another tab may have sent it, and its message be here already.
      if (entry.action !== "send_message" || made.has(entry.clientId)) continue;
      add(entry.clientId, entry, me, entry.state, (shown) => outgoing(entry, room.id ?? room.ref, me, shown));
    }
    this.#made = made;
    return Array.from(made.values(), ({ message }) => message);
  }
}

type Shown = Pick<ChatMessage, "key" | "senderName" | "progress">;
type Making = (shown: Shown) => ChatMessage;

/** Where something of it was refused, it bears the name of that: what is tried again, or discarded. */
function stored({ rev: _, ...message }: Message, isMine: boolean, shown: Shown, refused?: Outgoing): ChatMessage {
  const said = { ...message, ...shown, isMine };
  if (!refused) return said;
  const edit = refused.action === "edit_message" ? { refused: refused.fields.content } : {};
  return { ...said, ...edit, client_id: refused.clientId, ...errorOf(refused) };
}

function errorOf({ error }: Outgoing): Pick<ChatMessage, "error"> | object {
  if (!error) return {};
  return { error: new ChatError(error.code, error.message, error.code === "not_saved" ? "later" : "never") };
}

function outgoing(
  entry: Extract<Outgoing, { action: "send_message" }>,
  room: string,
  me: string,
  shown: Shown,
): ChatMessage {
  const { clientId, fields, createdAt } = entry;
  const { read_seq: _, sender: __, message_type = "text", ...said } = fields;
  return {
    ...said,
    ...shown,
    id: clientId,
    client_id: clientId,
    room,
    sender: me,
    message_type,
    created_at: new Date(createdAt).toISOString(),
    isMine: true,
    ...errorOf(entry),
  };
}
