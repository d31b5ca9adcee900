/** Who is in a room: what the core's own replica makes of the same events. */

import { expect, test } from "vitest";
import type { Message, Participant } from "../src/index.js";
import { People } from "../src/people.js";

const at = (rev: number) => ({ room: "room", rev, cursor: `after ${rev}` });
const person = (user_id: string, read_seq: number, delivered_seq: number): Participant => ({
  user_id,
  name: null,
  avatar: null,
  role: "member",
  joined_at: "2026-01-01T00:00:00.000Z",
  read_seq,
  delivered_seq,
});
const message = (sender: string, seq: number): Message => ({
  id: `${seq}`,
  room: "room",
  seq,
  rev: seq,
  sender,
  message_type: "text",
  content: "",
  created_at: "2026-01-01T00:00:00.000Z",
});
const places = (people: People) => people.participants.map((p) => [p.user_id, p.read_seq, p.delivered_seq]);

test("receipts only move forward, and reading implies delivery", () => {
  const people = new People();
  people.replace([person("ann", 0, 0), person("ben", 2, 3)], true);
  people.reduce({ type: "message_read", room: "room", user_id: "ann", seq: 5 });
  people.reduce({ type: "message_delivered", room: "room", user_id: "ann", seq: 4 });
  people.reduce({ type: "message_read", room: "room", user_id: "ben", seq: 1 });
  expect(places(people)).toEqual([
    ["ann", 5, 5],
    ["ben", 2, 3],
  ]);
});

test("an author has read what they sent, unless they say how far they had read", () => {
  const people = new People();
  people.replace([person("ann", 0, 0)], true);
  people.reduce({ type: "chat_message", ...at(7), message: message("ann", 7), read_seq: 3 });
  expect(places(people)).toEqual([["ann", 3, 3]]);
  people.reduce({ type: "chat_message", ...at(8), message: message("ann", 8) });
  expect(places(people)).toEqual([["ann", 8, 8]]);
});

test("a change of somebody takes no receipt back, and says nothing of whether they are connected", () => {
  const people = new People();
  people.replace([{ ...person("ann", 5, 6), online: true }], true);
  people.reduce({ type: "participant_updated", ...at(9), participant: { ...person("ann", 1, 2), name: "Ann" } });
  expect(people.participants).toEqual([{ ...person("ann", 5, 6), name: "Ann", online: true }]);
});

test("the list is the same until somebody changes, and repeating an event changes nothing", () => {
  const people = new People();
  people.replace([person("ben", 0, 0), person("ann", 0, 0)], true);
  const { participants } = people;
  people.reduce({ type: "message_read", room: "room", user_id: "ann", seq: 0 });
  people.reduce({ type: "message_read", room: "room", user_id: "nobody", seq: 9 });
  expect(people.participants).toBe(participants);
  people.reduce({ type: "participant_removed", ...at(10), participant: person("ben", 0, 0) });
  people.reduce({ type: "participant_removed", ...at(10), participant: person("ben", 0, 0) });
  expect(people.participants.map(({ user_id }) => user_id)).toEqual(["ann"]);
});
