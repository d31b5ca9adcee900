// The rooms: who is in them and listens, what they write, and who may.
//
// Whatever comes in one turn of the event loop is one transaction, and then one write to each socket. What is told is
// stored.

/** A message, in bytes. */
export const MESSAGE_BYTES = 16 * 1024;

/** What no text may have in it: control characters other than a line's end and a tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/;
/** What nobody sees. */
const BLANK = /^[\s\u200b-\u200f\u2060\ufeff]*$/u;

/** Someone who may be told why something did not work. */
export class Refusal extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
  }

  get body() {
    return { code: this.message, message: `refused: ${this.message}`, retry: this.status < 500 ? 'never' : 'later' };
  }
}

/** All rooms, in memory but for their messages. */
export class Chat {
  #store;
  #tell;
  /** By their keys. */
  #rooms = new Map();
  /** By those who are in them. */
  #roomsOf = new Map();
  /** What came in this turn: sends, and how far members have read. */
  #sends = [];
  #reads = new Map();
  #due = false;

  /** `tell(seats, texts)` brings texts to seats, `{ ws, socket }`. */
  constructor(store, tell) {
    this.#store = store;
    this.#tell = tell;
    for (const room of store.rooms()) this.#add(room);
  }

  #add({ users, ...stored }) {
    const room = { ...stored, members: new Map(), seats: new Set() };
    for (const user of users) {
      room.members.set(user, { room, user });
      if (!this.#roomsOf.has(user)) this.#roomsOf.set(user, new Set());
      this.#roomsOf.get(user).add(room);
    }
    this.#rooms.set(room.key, room);
    return room;
  }

  makeRoom(key, users) {
    if (typeof key !== 'string' || this.#rooms.has(key)) throw new Refusal(409, 'conflict');
    return this.#add(this.#store.makeRoom(key, users));
  }

  /** The user in the room; for others it is not there. */
  member(key, user) {
    const member = this.#rooms.get(key)?.members.get(user);
    if (!member) throw new Refusal(404, 'not_found');
    return member;
  }

  /** From now on they hear, read and write nothing in it. */
  remove(member) {
    const { room, user } = member;
    this.#store.removeMember(room, user);
    room.members.delete(user);
    this.#roomsOf.get(user).delete(room);
    for (const seat of room.seats) {
      if (seat.member === member) {
        room.seats.delete(seat);
        seat.ws.close(3501);
      }
    }
  }

  /**
   * Takes `{ member, content, client_id, done, failed }`. `done(send)` is called when it is stored, and then it has its
   * message as `json` and says whether it was `repeated`; `failed(refusal)` otherwise.
   */
  send(send) {
    const { content, client_id } = send;
    if (typeof content !== 'string' || !content.isWellFormed() || CONTROL.test(content) || BLANK.test(content)) {
      throw new Refusal(400, 'invalid_argument');
    }
    if (Buffer.byteLength(content) > MESSAGE_BYTES) throw new Refusal(400, 'message_too_large');
    if (client_id !== undefined && !isName(client_id)) throw new Refusal(400, 'invalid_argument');
    this.#sends.push(send);
    this.#wake();
  }

  /** The member has read up to this place. */
  read(member, seq) {
    if (!Number.isSafeInteger(seq) || seq < 0) throw new Refusal(400, 'invalid_argument');
    this.#reads.set(member, Math.max(seq, this.#reads.get(member) ?? 0));
    this.#wake();
  }

  #wake() {
    if (this.#due) return;
    this.#due = true;
    // Whatever sockets have brought is read before this runs.
    setImmediate(() => this.#storeAndTell());
  }

  #storeAndTell() {
    const [came, sends] = [this.#sends, []];
    for (const send of came) {
      if (isIn(send.member)) sends.push(send);
      else send.failed(new Refusal(404, 'not_found'));
    }
    const reads = [...this.#reads].filter(([member]) => isIn(member));
    const upTo = reads.map(([member, seq]) => [member, Math.min(seq, member.room.seq)]);
    [this.#sends, this.#reads, this.#due] = [[], new Map(), false];
    const before = new Map(sends.map(({ member: { room } }) => [room, { seq: room.seq, at: room.at }]));
    try {
      this.#store.write(sends, upTo);
    } catch (error) {
      for (const [room, was] of before) Object.assign(room, was);
      console.error(`a transaction failed: ${error.code}`);
      for (const { failed } of sends) failed(new Refusal(503, 'storage_unavailable'));
      return;
    }
    const told = new Map();
    for (const send of sends) if (!send.repeated) add(told, send.member.room, event(send));
    for (const [member, seq] of upTo) add(told, member.room, readEvent(member, seq));
    for (const [room, events] of told) this.#tell(room.seats, events);
    for (const send of sends) {
      if (send.conflict) send.failed(new Refusal(409, 'operation_conflict'));
      else send.done(send);
    }
  }

  /** Up to `limit` messages below the place `before`, newest first, as JSON. */
  page({ room }, before, limit) {
    return this.#store.page(room, before, limit);
  }

  /** The rooms of a user, those first in which something happened last, with what is unread in each. */
  list(user, limit) {
    const rooms = [...(this.#roomsOf.get(user) ?? [])].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, limit);
    return rooms.map((room) => {
      const [last] = this.#store.page(room, Number.MAX_SAFE_INTEGER, 1);
      const unread_count = this.#store.unread(room, user);
      return { ...info(room), unread_count, last_message: last && JSON.parse(last) };
    });
  }

  close() {
    for (const { seats } of this.#rooms.values()) for (const { socket } of seats) socket.destroy();
    this.#store.close();
  }
}

/** What everybody in a room may know of it. */
export function info({ id, key, seq, members }) {
  return { id, key, last_seq: seq, participants_count: members.size };
}

export function event({ member: { room }, seq, json }) {
  const cursor = `${room.id.slice(0, 18)}.${seq.toString(36).padStart(13, '0')}`;
  return `{"type":"chat_message","room":"${room.id}","rev":${seq},"cursor":"${cursor}","message":${json}}`;
}

function readEvent({ room, user }, seq) {
  return JSON.stringify({ type: 'message_read', room: room.id, user_id: user, seq });
}

function isIn(member) {
  return member.room.members.get(member.user) === member;
}

function isName(value) {
  return typeof value === 'string' && value !== '' && value.length <= 128 && !CONTROL.test(value);
}

function add(told, room, text) {
  const texts = told.get(room);
  if (texts) texts.push(text);
  else told.set(room, [text]);
}
