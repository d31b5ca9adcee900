/** Everything at once, at random, over a network that fails at random: in the end all agree with the server. */

import { expect, test } from "vitest";
import WebSocket from "ws";
import { withFallback } from "../src/fallback.js";
import { type ChatClient, type Message, type Room, when } from "../src/index.js";
import { dice, seeds } from "./support/dice.js";
import { connected, open, stage } from "./support/stage.js";

const s = stage();

/** The whole history, as the server has it. */
async function stored(client: ChatClient, key: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const after = messages.at(-1)?.seq ?? 0;
    const { results, next } = await client.request("history", { room: key, after, limit: 200 });
    messages.push(...results);
    if (next === null) return messages;
  }
}

const links = [
  ...seeds(4).map((seed) => ({ link: "sockets", seed })),
  ...seeds(3).map((seed) => ({ link: "streams", seed })),
];

test.each(links)("people write, edit, delete and read over $link that fail (seed $seed)", async ({ link, seed }) => {
  const random = dice(seed);
  const key = await s.room("ann", "ben", "cat");
  if (link === "streams") s.network.blockSockets();
  const far = () => ({ far: true, environment: { WebSocket: withFallback({ WebSocket }) } });
  const clients = [s.client("ann", far()), s.client("ben", far()), s.client("cat")];
  const rooms = await Promise.all(clients.map((client) => open(client, key)));
  const said = rooms.map((): string[] => []);
  const near = clients[2] as ChatClient;
  for (let n = 0; n < 150; n += 1) {
    const who = random(3);
    const room = rooms[who] as Room;
    const { messages, lastSeq } = room.getSnapshot();
    const mine = messages.filter(({ sender, deleted_at }) => sender === clients[who]?.me && !deleted_at);
    const one = mine[random(Math.max(1, mine.length))];
    switch (random(10)) {
      case 0:
        if (one) room.edit(one.id, `${one.content}!`);
        break;
      case 1:
        if (one && random(3) === 0) room.delete(one.id);
        break;
      case 2:
        room.markRead(random(lastSeq + 1));
        break;
      case 3:
        room.type();
        break;
      case 4:
        if (random(3) === 0) s.network.cut();
        break;
      case 5:
        if (random(4) === 0) s.network.unplug();
        else s.network.restore();
        break;
      case 6:
        if (random(4) === 0) s.network.loseAnswers();
        break;
      default:
        room.send(`${who}: ${n}`);
        said[who]?.push(`${who}: ${n}`);
    }
    // Time passes: as long as an answer takes.
    await near.request("ping", {});
  }
  s.network.restore();
  // A connection whose answers are lost would be noticed only by its silence.
  for (const client of clients) {
    client.close();
    client.connect();
  }
  await Promise.all(clients.map(connected));
  for (const room of rooms) {
    await when(room, ({ status, outbox }) => status === "live" && outbox.every(({ state }) => state === "failed"));
    // Who edits what they have deleted elsewhere is told so; everything else is done.
    expect(room.getSnapshot().outbox.filter(({ action }) => action === "send_message")).toEqual([]);
  }
  const truth = await stored(near, key);
  for (const [who, room] of rooms.entries()) {
    const { messages } = await when(room, (now) => now.messages.at(-1)?.seq === truth.at(-1)?.seq);
    await when(room, (now) => JSON.stringify(now.messages) === JSON.stringify(truth));
    expect(messages.length).toBe(truth.length);
    // Edits add to the end of what was said; the order of sending is the order of the room.
    const own = truth.filter(({ sender }) => sender === clients[who]?.me);
    expect(own.map(({ content }, n) => (content === undefined ? said[who]?.[n] : content.replace(/!+$/, "")))).toEqual(
      said[who],
    );
    const { unread_count } = await (clients[who] as ChatClient).request("get_room", { room: key });
    await when(room, (now) => now.unreadCount === unread_count);
  }
});
