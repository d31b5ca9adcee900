/** The story that every language plays: over a socket, and seen as the stores show it. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type ChatClient, ChatError, type Commands, type RoomSnapshot, when } from "../src/index.js";
import { connected, stage } from "./support/stage.js";
import { service, token } from "./support/token.js";

type Json = Record<string, unknown>;

interface Step {
  as: string;
  call?: string;
  args?: unknown[];
  ok?: unknown;
  error?: { code: string };
  save?: Record<string, string>;
  follow?: string[];
  event?: Json & { type: string };
}

const { steps } = JSON.parse(readFileSync(new URL("../../../scenario.json", import.meta.url), "utf8")) as {
  steps: Step[];
};
const s = stage();

/** What a method is on the wire: an action, and how its arguments are called. */
const ACTIONS: Readonly<Record<string, readonly [action: string, ...names: string[]]>> = {
  create_room: ["create_room", ""],
  update_room: ["update_room", "room", ""],
  room: ["get_room", "room"],
  rooms: ["list_rooms", ""],
  send: ["send_message", "room", ""],
  edit: ["edit_message", ""],
  delete: ["delete_message", "message_id"],
  mark_read: ["read_message", "room", "seq"],
  mark_unread: ["mark_unread", "room", "seq"],
  mark_message_read: ["read_message", "message_id"],
  readers: ["readers", "message_id"],
  history: ["history", "room", ""],
  update_me: ["update_me", "room", ""],
  participants: ["list_participants", "room", ""],
  add_participant: ["add_participant", "room", ""],
  update_participant: ["update_participant", "room", ""],
  remove_participant: ["remove_participant", "room", "user_id"],
  leave: ["leave_room", "room"],
};

test("the story", async () => {
  const clients = new Map<string, ChatClient>();
  const actor = async (name: string) => {
    const known = clients.get(name);
    if (known) return known;
    const client = s.client(name, name === "host" ? { token: service() } : {});
    clients.set(name, client);
    await connected(client);
    return client;
  };
  const saved: Json = {};
  const meant = (value: unknown): unknown => {
    if (typeof value === "string" && value.startsWith("$")) return saved[value.slice(1)];
    if (Array.isArray(value)) return value.map(meant);
    if (value === null || typeof value !== "object") return value;
    const repeated = (value as { $repeat?: [string, number] }).$repeat;
    if (repeated) return repeated[0].repeat(repeated[1]);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, meant(part)]));
  };

  for (const [n, step] of steps.entries()) {
    const where = `step ${n + 1}: ${JSON.stringify(step).slice(0, 120)}`;
    const chat = await actor(step.as);
    if (step.follow) {
      for (const name of step.follow) await follows(chat, meant(name) as string);
      chat.rooms.subscribe(() => {});
    } else if (step.event) {
      await shows(chat, meant(step.event) as Step["event"] & Json, saved.room as string);
    } else {
      const answer = await asked(chat, step.as, step.call ?? "", (meant(step.args) ?? []) as unknown[]).catch(
        (error: unknown) => error,
      );
      if (step.error) {
        expect(answer, where).toBeInstanceOf(ChatError);
        // What is no id is no address either.
        const byAddress = step.call === "message" && step.error.code === "invalid_argument";
        expect((answer as ChatError).code, where).toBe(byAddress ? "not_found" : step.error.code);
        continue;
      }
      // What has come is reported as delivered by the client itself, so more is delivered here than the story says.
      const { delivered_seq: _, ...ok } = (meant(step.ok) ?? {}) as Json;
      contains(answer, typeof step.ok === "object" && step.ok ? ok : step.ok, where);
      for (const [name, path] of Object.entries(step.save ?? {}))
        saved[name] = path.split(".").reduce((part, key) => (part as Json)[key], answer as unknown);
    }
  }
});

async function follows(chat: ChatClient, name: string): Promise<void> {
  const room = chat.room(name);
  room.subscribe(() => {});
  await when(room, ({ status }) => status === "live");
}

/** Asks over the socket; what has no action there is asked for by HTTP, or is the room's own. */
async function asked(chat: ChatClient, who: string, call: string, args: unknown[]): Promise<unknown> {
  const [action, ...names] = ACTIONS[call] ?? [];
  if (action) {
    const fields = names.map((name, at) => (name === "" ? args[at] : { [name]: args[at] }));
    const answer = (await chat.request(action as keyof Commands, Object.assign({}, ...fields))) as unknown as Json;
    // On the wire these two bear the message by its name.
    return call === "edit" || call === "delete" ? answer.message : answer;
  }
  if (call === "typing") {
    chat.room(args[0] as string).type();
    return null;
  }
  const bearer = `Bearer ${who === "host" ? service() : token(who)}`;
  const [method, path] = {
    message: ["GET", `messages/${args[0]}/`],
    messages: ["GET", `messages/?limit=${(args[0] as Json | undefined)?.limit}`],
    delete_room: ["DELETE", `chatrooms/${args[0]}/`],
    unread: ["GET", "chatrooms/"],
  }[call] ?? ["GET", `unknown/${call}`];
  const answer = await fetch(`http://127.0.0.1:${s.server.port}/api/${path}`, {
    method,
    headers: { authorization: bearer },
  });
  const body = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw ChatError.of(body);
  if (call === "unread")
    return body.results.reduce((sum: number, room: Json) => sum + (room.unread_count as number), 0);
  return body;
}

/** Waits until the stores show what an event has told. */
async function shows(chat: ChatClient, event: Json & { type: string }, room: string): Promise<void> {
  const seen = (test: (room: RoomSnapshot) => boolean) => when(chat.room(room), test);
  const has = (actual: unknown, expected: unknown) => {
    try {
      contains(actual, expected, "");
      return true;
    } catch {
      return false;
    }
  };
  switch (event.type) {
    case "chat_message":
    case "message_edited":
    case "message_deleted":
      await seen(({ messages }) => messages.some((message) => has(message, event.message)));
      break;
    case "room_updated":
      await seen(({ info }) => has(info, event.room_info));
      break;
    case "participant_added":
    case "participant_updated":
      await seen(({ participants }) => participants.some((participant) => has(participant, event.participant)));
      break;
    case "room_added":
      await when(chat.rooms, ({ rooms }) => rooms.some(({ id }) => id === event.room));
      break;
    case "room_removed":
      await seen(({ status }) => status === "gone");
      break;
    default:
      throw new Error(`the story tells of ${event.type}, which is not looked for here yet`);
  }
}

/** Everything that is expected is there; `null` stands for what is absent too. */
function contains(actual: unknown, expected: unknown, where: string): void {
  if (Array.isArray(expected)) {
    expect((actual as unknown[] | undefined)?.length, where).toBe(expected.length);
    for (const [n, part] of expected.entries()) contains((actual as unknown[])[n], part, where);
  } else if (expected !== null && typeof expected === "object") {
    for (const [key, part] of Object.entries(expected))
      contains((actual as Json | undefined)?.[key], part, `${where} .${key}`);
  } else if (expected === null) {
    expect(Object.keys(actual ?? {}), where).toEqual([]);
  } else {
    expect(actual, where).toEqual(expected);
  }
}
