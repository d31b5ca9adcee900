// The same back end with Fastify: its own port, its own login, and the chat inside.

import websocket from '@fastify/websocket';
import { ChatEngine } from 'chat-engine';
import Fastify from 'fastify';

import { carry } from './carry.mjs';

/** Starts it. `login` is the back end's own: the user of a request, or nobody; `origins` are those of its pages. */
export async function start({ port = 0, path, origins = [], login = (request) => request.headers['x-user'] } = {}) {
  const engine = await ChatEngine.open(path ? { path } : { memory: true });
  const app = Fastify();
  // It tells every socket when to come back, and closes it; the plugin alone would hang up without a word.
  await app.register(websocket, {
    preClose: () => engine.close(),
    options: {
      maxPayload: 128 * 1024,
      // A browser says which page opens the socket; what is no browser says nothing.
      verifyClient: ({ origin }, verified) => verified(!origin || origins.includes(origin), 403),
    },
  });
  app.post('/jobs/:id', async (request, reply) => {
    const room = { key: `job:${request.params.id}`, participants: ['client', 'cleaner'] };
    return reply.code(201).send(await engine.host().createRoom(room));
  });
  app.get('/unread', (request) => engine.session(login(request)).unread());
  app.get('/chat', { websocket: true }, (socket, request) => {
    const user = login(request);
    if (!user) return socket.close(3500, 'unauthorized');
    try {
      carry(engine.connection(user), socket);
    } catch {
      // The engine closes, or that is no name that a user may have.
      socket.close(1011);
    }
  });

  await app.listen({ port, host: '127.0.0.1' });
  return { port: app.server.address().port, close: () => app.close() };
}

if (process.argv[1] === import.meta.filename) {
  const { port } = await start({ port: 3000, path: 'chat.db' });
  console.log(`http://127.0.0.1:${port}`);
}
