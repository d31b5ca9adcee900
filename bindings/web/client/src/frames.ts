/** The frames of the protocol: what can be asked, and what each answer holds. */

import type {
  Action,
  CreateRoom,
  DeleteMessage,
  EditMessage,
  ErrorBody,
  Event,
  Markers,
  Message,
  My,
  MyRoom,
  Page,
  Participant,
  ParticipantObject,
  Ready,
  RemoveParticipant,
  SendMessage,
  Sent,
  Subscribed,
  UpdateMe,
  UpdateParticipant,
  UpdateRoom,
} from "./protocol.js";

/** The client's name for one of its frames; the answer bears it. */
export type Ref = number | string;

/** Everything that the server sends. */
export type ServerFrame = ReadyFrame | ReplyFrame | ErrorFrame | Event;

/** The first frame of a connection. */
export interface ReadyFrame extends Ready {
  type: "ready";
}

/** The answer to a command that succeeded. */
export interface ReplyFrame {
  type: "reply";
  ref: Ref;
  ok: Commands[Action]["ok"];
}

/** The answer to a command that failed. */
export interface ErrorFrame extends ErrorBody {
  type: "error";
  ref?: Ref;
}

/** In which room: its id or its key. */
interface InRoom {
  room: string;
}

/** A message, by its place or by its id. */
type At = (InRoom & { seq: number }) | { message_id: string; room?: string };

interface Paging {
  cursor?: string;
  limit?: number;
}

type Nothing = Record<string, never>;

/** Every command: its fields, and what its answer holds. */
export interface Commands {
  authenticate: { fields: { token: string }; ok: Nothing };
  ping: { fields: Nothing; ok: Nothing };
  send_message: { fields: InRoom & SendMessage; ok: Sent };
  edit_message: { fields: EditMessage & Partial<InRoom>; ok: { message: Message } };
  delete_message: { fields: DeleteMessage & Partial<InRoom>; ok: { message: Message } };
  read_message: { fields: At; ok: Markers };
  message_delivered: { fields: At; ok: Markers };
  mark_unread: { fields: At; ok: Markers };
  typing_start: { fields: InRoom; ok: Nothing };
  typing_stop: { fields: InRoom; ok: Nothing };
  create_room: { fields: CreateRoom; ok: MyRoom };
  update_room: { fields: InRoom & UpdateRoom; ok: MyRoom };
  delete_room: { fields: InRoom; ok: Nothing };
  get_room: { fields: InRoom; ok: MyRoom };
  list_rooms: { fields: Paging; ok: Page<MyRoom> };
  leave_room: { fields: InRoom & { client_id?: string }; ok: Nothing };
  add_participant: { fields: InRoom & ParticipantObject; ok: Participant };
  update_participant: { fields: InRoom & UpdateParticipant; ok: Participant };
  remove_participant: { fields: InRoom & RemoveParticipant; ok: Nothing };
  list_participants: { fields: InRoom & Paging; ok: Page<Participant> };
  update_me: { fields: InRoom & UpdateMe; ok: My };
  subscribe: { fields: { rooms: { room: string; cursor?: string }[] }; ok: { rooms: Subscribed[] } };
  unsubscribe: { fields: { rooms: string[] }; ok: Nothing };
  history: {
    fields: InRoom & { before?: number; after?: number; around?: number; limit?: number };
    ok: Page<Message>;
  };
  readers: { fields: { message_id: string } & Paging; ok: Page<Participant> };
}

/**
 * Asks the server for something; the answer, or a `ChatError`. An action that `Commands` lacks does not compile.
 *
 * `take` is given the answer before anything that came after it is looked at. A promise is too late for that: several
 * frames may arrive at once.
 */
export type Request = <A extends Action>(
  action: A,
  fields: Commands[A]["fields"],
  take?: (ok: Commands[A]["ok"]) => void,
) => Promise<Commands[A]["ok"]>;
