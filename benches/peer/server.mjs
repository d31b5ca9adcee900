// The chat server that one would otherwise write: Node, `ws` and better-sqlite3, as good as they allow. README.md says
// what it does and what it leaves out.
//
//     CHAT_JWT_SECRET=… node server.mjs [--listen 127.0.0.1:0] [--db peer.db] [--tell shared|corked]

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { Chat, event, info, MESSAGE_BYTES, Refusal } from './chat.mjs';
import { answering, authenticated, FRAME_BYTES } from './http.mjs';
import { Store } from './store.mjs';
import { corked, shared } from './tell.mjs';

/** How often every socket is asked whether somebody is there. */
const HEARTBEAT_MS = 30_000;

const { values } = parseArgs({
  options: {
    listen: { type: 'string', default: '127.0.0.1:0' },
    db: { type: 'string', default: 'peer.db' },
    tell: { type: 'string', default: 'shared' },
  },
});
const secret = process.env.CHAT_JWT_SECRET;
if (!secret) throw new Error('CHAT_JWT_SECRET is not set');
const tell = { shared, corked }[values.tell];
if (!tell) throw new Error('--tell is shared or corked');

const chat = new Chat(new Store(values.db), tell);
const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: FRAME_BYTES });

function upgrade(request, socket, head) {
  let member;
  try {
    const [, job] = request.url.match(/^\/ws\/job_chat\/([^/?]+)\/?$/) ?? [];
    const user = authenticated(request, secret);
    member = chat.member(`job:${job}`, user);
  } catch (error) {
    socket.end(`HTTP/1.1 ${error.status ?? 500} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    return;
  }
  wss.handleUpgrade(request, socket, head, (ws) => serve({ ws, socket, member, heard: true }));
}

function serve(seat) {
  const { ws, member } = seat;
  const { room, user } = member;
  const limits = { frame_bytes: FRAME_BYTES, message_bytes: MESSAGE_BYTES };
  tell([seat], [JSON.stringify({ type: 'ready', user_id: user, limits, room: info(room) })]);
  room.seats.add(seat);
  ws.seat = seat;
  ws.on('close', () => room.seats.delete(seat));
  // A socket that breaks closes, and that is all there is to do.
  ws.on('error', () => ws.terminate());
  ws.on('pong', () => {
    seat.heard = true;
  });
  const failed = (refusal) => tell([seat], [JSON.stringify({ type: 'error', ...refusal.body })]);
  // Who sends it has had its event with the others; only one that was there before is told again.
  const done = (send) => send.repeated && tell([seat], [event(send)]);
  ws.on('message', (text, binary) => {
    seat.heard = true;
    try {
      const { action, content, client_id, seq } = binary ? {} : JSON.parse(text);
      if (action === 'send_message') chat.send({ member, content, client_id, done, failed });
      else if (action === 'read_message') chat.read(member, seq);
      else throw new Refusal(400, 'invalid_argument');
    } catch (error) {
      failed(error instanceof Refusal ? error : new Refusal(400, 'malformed'));
    }
  });
}

const heartbeat = setInterval(() => {
  for (const ws of wss.clients) {
    if (!ws.seat.heard) ws.terminate();
    ws.seat.heard = false;
    ws.ping();
  }
}, HEARTBEAT_MS);

const server = createServer({ keepAlive: true, noDelay: true }, answering(chat, secret));
server.on('upgrade', upgrade);
const [host, port] = values.listen.split(':');
server.listen({ host, port: Number(port), backlog: 4096 }, () => {
  console.log(`peer at http://${host}:${server.address().port}`);
});

process.once('SIGTERM', () => {
  clearInterval(heartbeat);
  server.close();
  server.closeAllConnections();
  chat.close();
});
