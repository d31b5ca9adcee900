// A back end of one's own: Express and `ws` on one port, its own login, and the chat inside.

import { createServer } from 'node:http';

import { ChatEngine } from 'chat-engine';
import express from 'express';
import { WebSocketServer } from 'ws';

import { carry } from './carry.mjs';

/** Starts it. `login` is the back end's own: the user of a request, or nobody; `origins` are those of its pages. */
export async function start({ port = 0, path, origins = [], login = (request) => request.headers['x-user'] } = {}) {
  const engine = await ChatEngine.open(path ? { path } : { memory: true });
  const app = express();
  app.post('/jobs/:id', async (request, response) => {
    const room = { key: `job:${request.params.id}`, participants: ['client', 'cleaner'] };
    response.status(201).json(await engine.host().createRoom(room));
  });
  app.get('/unread', async (request, response) => {
    response.json(await engine.session(login(request)).unread());
  });

  const server = createServer(app);
  const sockets = new WebSocketServer({
    server,
    path: '/chat',
    maxPayload: 128 * 1024,
    // A browser says which page opens the socket; what is no browser says nothing.
    verifyClient: ({ origin }, verified) => verified(!origin || origins.includes(origin), 403),
  });
  sockets.on('connection', (socket, request) => {
    // What a stranger sends must not end the process.
    socket.on('error', () => socket.terminate());
    const user = login(request);
    if (!user) return socket.close(3500, 'unauthorized');
    try {
      carry(engine.connection(user), socket);
    } catch {
      // The engine closes, or that is no name that a user may have.
      socket.close(1011);
    }
  });

  await new Promise((listening) => server.listen(port, '127.0.0.1', listening));
  const close = async () => {
    // It tells every socket when to come back, and closes it.
    await engine.close();
    sockets.close();
    await new Promise((closed) => server.close(closed));
  };
  return { port: server.address().port, close };
}

if (process.argv[1] === import.meta.filename) {
  const { port } = await start({ port: 3000, path: 'chat.db' });
  console.log(`http://127.0.0.1:${port}`);
}
