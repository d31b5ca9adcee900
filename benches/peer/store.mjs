// What the peer keeps, and how: whatever waits is one transaction, synced once.
//
// A message lies as it is told, so that a page is what lies there, side by side. Messages lie in the order in which they
// came, with an index by room and place. Measured: of 500 rooms at once a row takes half of the time that it takes in a
// table clustered by room; a page took a third more then, and takes a third of that since it is not put together again.
// A name is used once by one sender in one room. Who writes has read what they wrote, which is a row for each that wrote
// in a transaction. There are no versions, no hashes and no log of changes.

import { randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';

const TABLES = `
  CREATE TABLE IF NOT EXISTS room (number INTEGER PRIMARY KEY, id TEXT NOT NULL, key TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS member (
    room INTEGER NOT NULL, user TEXT NOT NULL, read_seq INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (room, user)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS message (
    room INTEGER NOT NULL, seq INTEGER NOT NULL, sender TEXT NOT NULL, client_id TEXT, json TEXT NOT NULL,
    UNIQUE (room, seq)
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS name ON message (room, sender, client_id) WHERE client_id IS NOT NULL;
`;

/** The most that the log holds before it is written back: with SQLite's own 1,000 that is after every large batch. */
const CHECKPOINT_PAGES = 16_000;

/** Rooms, who is in them, and messages in one file of SQLite. */
export class Store {
  #db;
  #insert;
  #repeated;
  #read;
  #page;
  #unread;
  #latest = '';

  constructor(file) {
    this.#db = new Database(file);
    this.#db.pragma('journal_mode = WAL');
    this.#db.pragma('synchronous = FULL');
    this.#db.pragma('cache_size = -65536');
    this.#db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    this.#db.exec(TABLES);
    this.#insert = this.#db.prepare(
      `INSERT INTO message (room, seq, sender, client_id, json) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (room, sender, client_id) WHERE client_id IS NOT NULL DO NOTHING`,
    );
    this.#repeated = this.#db
      .prepare('SELECT json FROM message WHERE room = ? AND sender = ? AND client_id = ?')
      .pluck();
    this.#read = this.#db.prepare('UPDATE member SET read_seq = max(read_seq, ?) WHERE room = ? AND user = ?');
    this.#page = this.#db
      .prepare('SELECT json FROM message WHERE room = ? AND seq < ? ORDER BY seq DESC LIMIT ?')
      .pluck();
    this.#unread = this.#db
      .prepare(
        `SELECT count(*) FROM member JOIN message USING (room)
         WHERE room = ? AND user = ? AND seq > read_seq AND sender <> user`,
      )
      .pluck();
    this.write = this.#db.transaction((sends, reads) => this.#write(sends, reads));
    this.makeRoom = this.#db.transaction((key, users) => this.#makeRoom(key, users));
  }

  /** Every room with those who are in it, its last place, and when that was taken. */
  rooms() {
    const users = this.#db.prepare('SELECT user FROM member WHERE room = ?').pluck();
    const rooms = this.#db.prepare('SELECT number, id, key FROM room').all();
    return rooms.map((room) => {
      const [last] = this.page(room, Number.MAX_SAFE_INTEGER, 1).map(JSON.parse);
      const { seq = 0, created_at: at = '' } = last ?? {};
      if (at > this.#latest) this.#latest = at;
      return { ...room, seq, at, users: users.all(room.number) };
    });
  }

  #makeRoom(key, users) {
    const id = randomUUID();
    const made = this.#db.prepare('INSERT INTO room (id, key) VALUES (?, ?)').run(id, key);
    const insert = this.#db.prepare('INSERT INTO member (room, user) VALUES (?, ?)');
    for (const user of users) insert.run(made.lastInsertRowid, user);
    return { number: Number(made.lastInsertRowid), id, key, seq: 0, at: '', users };
  }

  removeMember(room, user) {
    this.#db.prepare('DELETE FROM member WHERE room = ? AND user = ?').run(room.number, user);
  }

  /**
   * Writes all of `sends`, `{ member, content, client_id }`, and `reads`, places by the member who has read up to them,
   * or none of them. Afterwards each send has its `seq` and its message as `json`, and says whether it is `repeated`;
   * one that has the name of another is a `conflict`. Rooms count on: whoever calls it puts their `seq` and `at` back if it
   * throws.
   */
  #write(sends, reads) {
    const now = new Date().toISOString();
    if (now > this.#latest) this.#latest = now;
    const marks = new Map(reads);
    for (const send of sends) {
      const { content, client_id } = send;
      const { room, user } = send.member;
      const seq = room.seq + 1;
      const message = { id: idAt(this.#latest), room: room.id, seq, rev: seq, sender: user, content };
      message.message_type = 'text';
      message.created_at = this.#latest;
      message.client_id = client_id;
      const json = JSON.stringify(message);
      send.repeated = this.#insert.run(room.number, seq, user, client_id ?? null, json).changes === 0;
      if (send.repeated) {
        this.#find(send);
      } else {
        room.seq = seq;
        room.at = this.#latest;
        send.seq = seq;
        send.json = json;
        marks.set(send.member, seq);
      }
    }
    for (const [{ room, user }, seq] of marks) this.#read.run(seq, room.number, user);
  }

  /** Gives the send what its name brought the first time. */
  #find(send) {
    const { room, user } = send.member;
    send.json = this.#repeated.get(room.number, user, send.client_id);
    const { seq, content } = JSON.parse(send.json);
    send.seq = seq;
    send.conflict = content !== send.content;
  }

  /** Up to `limit` messages below the place `before`, newest first, each as its JSON. */
  page(room, before, limit) {
    return this.#page.all(room.number, before, limit);
  }

  /** How many messages of others have come since the user has read last. */
  unread(room, user) {
    return this.#unread.get(room.number, user);
  }

  close() {
    this.#db.close();
  }
}

let second = { of: '', hex: '' };

/** A version 7 UUID of this time. */
function idAt(time) {
  if (second.of !== time) second = { of: time, hex: Date.parse(time).toString(16).padStart(12, '0') };
  const { hex } = second;
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`;
}
