// The protocol carried over a socket of somebody else's, and served from inside.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { carry } from '../example/carry.mjs';
import { stage, within } from './stage.mjs';

test('a connection speaks the protocol, and is pulled', async (t) => {
  const { engine, room, ann } = await stage(t);
  const conn = engine.connection('ben', { room: 'job:42' });
  const frames = conn.frames();
  const next = async () => JSON.parse((await within(frames.next(), 'a frame')).value);
  assert.equal((await next()).type, 'ready');
  conn.receive(Buffer.from('{"action":"send_message","ref":1,"content":"hi"}'));
  const types = [await next(), await next(), await next()].map((frame) => frame.type).sort();
  assert.deepEqual(types, ['chat_message', 'reply', 'user_joined']);
  conn.receive('no JSON');
  assert.equal((await next()).code, 'invalid_argument');
  conn.receive(Buffer.from('{"action":"ping","ref":2}'), true);
  assert.match((await next()).message, /text frame/);
  conn.receive(Buffer.from('{"action":"ping","ref":3}'), false);
  assert.equal((await next()).ref, 3);
  assert.equal(await ann.unread(), 1);

  // What nobody takes is not made: the room's events wait in the engine, within its bound.
  for (let n = 0; n < 400; n += 1) await ann.send(room, { content: 'x'.repeat(16_000) });
  let sizes = 0;
  let resync = false;
  while (!resync) {
    const frame = await next();
    sizes += frame.type === 'chat_message' ? 1 : 0;
    resync = frame.type === 'resync';
  }
  assert.ok(sizes < 400);
  conn.close();
  assert.ok((await within(frames.next(), 'the end')).done);
  assert.equal(conn.closeCode, undefined);
  conn.receive('{"action":"ping"}');
});

test('a connection says with which code to close', async (t) => {
  const { engine } = await stage(t);
  const end = async (conn) => {
    for await (const frame of conn.frames()) assert.ok(frame);
    return conn.closeCode;
  };
  const kicked = engine.connection('ben', { room: 'job:42' });
  const frames = kicked.frames();
  const ready = await within(frames.next(), 'the first frame');
  assert.equal(JSON.parse(ready.value).type, 'ready');
  await engine.host().removeParticipant('job:42', 'ben');
  while (!(await within(frames.next(), 'the kick')).done);
  assert.equal(kicked.closeCode, 3501);

  assert.equal(await within(end(engine.connection('zoe', { room: 'job:42' })), 'the refusal'), 3500);

  for (const isBinary of [false, true]) {
    const large = engine.connection('ann');
    large.receive(Buffer.alloc(128 * 1024 + 1, 'x'), isBinary);
    assert.equal(await within(end(large), 'the end of who sends too much'), 1009);
  }

  const flood = engine.connection('ann');
  for (let n = 0; n < 10_000; n += 1) flood.receive('{"action":"ping"}');
  assert.equal(await within(end(flood), 'the end of a flood'), 3002);

  const open = engine.connection('ann');
  const end2 = end(open);
  await engine.close();
  assert.equal(await within(end2, 'the close'), 3000);
});

test('over a socket that is gone, or breaks, a connection ends', async (t) => {
  const { engine } = await stage(t);
  // As `ws` has it: what is sent over a socket that is gone fails, and is told to whoever sent it alone.
  class Socket extends EventEmitter {
    OPEN = 1;
    readyState = 1;
    send(_, sent) { setImmediate(sent, new Error('the peer is gone')); }
    close(code) { this.closed = code; }
  }
  const [gone, breaks] = [new Socket(), new Socket()];
  gone.readyState = 3;
  for (const socket of [gone, breaks]) {
    const connection = engine.connection('ann');
    await within(carry(connection, socket), 'the end of a connection');
    assert.ok((await within(connection.frames().next(), 'the end')).done);
    assert.equal(socket.closed, undefined);
  }
});

test('it serves, with a login of its own', async (t) => {
  const { engine } = await stage(t);
  const asked = [];
  const server = await engine.serve({
    authenticate: async (token) => {
      asked.push(token);
      if (token === 'broken') throw new Error('the database is away');
      return token.startsWith('session-of-') ? token.slice(11) : null;
    },
  });
  const rooms = (token) => fetch(`${server.url}/api/chatrooms/`, { headers: { authorization: `Bearer ${token}` } });
  const mine = await rooms('session-of-ann');
  assert.equal(mine.status, 200);
  assert.equal((await mine.json()).results[0].key, 'job:42');
  assert.equal((await rooms('wrong')).status, 401);
  assert.equal((await rooms('broken')).status, 503, 'a login that throws lets nobody in');
  assert.equal((await rooms('session-of-')).status, 401, 'what is no user id is nobody');
  assert.equal((await fetch(`${server.url}/api/chatrooms/`)).status, 401);
  assert.deepEqual(asked, ['session-of-ann', 'wrong', 'broken', 'session-of-']);
  await assert.rejects(engine.serve({ port: server.port, jwtSecret: 'x'.repeat(32) }), { code: 'invalid_argument' });
  await engine.close();
  await within(server.closed, 'the end of the server');
  await assert.rejects(fetch(server.url));
});

test('how a user is shown, whoever lets them in says', async (t) => {
  const { engine, room } = await stage(t);
  const shown = async (user) => {
    const { results } = await engine.host().participants(room);
    return results.find(({ user_id }) => user_id === user);
  };
  await engine.session('ann', { name: 'Ann', avatar: '/ann.png' }).events().subscribe(room);
  assert.deepEqual([(await shown('ann')).name, (await shown('ann')).avatar], ['Ann', '/ann.png']);
  const frames = engine.connection('ben', { room: 'job:42', name: 'Ben' }).frames();
  await within(frames.next(), 'the first frame');
  assert.equal((await shown('ben')).name, 'Ben');

  const server = await engine.serve({ authenticate: (token) => ({ user: token, name: 'Benjamin', avatar: null }) });
  const stream = await fetch(`${server.url}/events/job_chat/42/`, { headers: { authorization: 'Bearer ben' } });
  await within(stream.body.getReader().read(), 'the first frame');
  assert.equal((await shown('ben')).name, 'Benjamin');
});

test('a login that says nonsense lets nobody in, and one that says nothing holds up nobody else and is given up at the close', async (t) => {
  const { engine } = await stage(t);
  let asked;
  const waits = new Promise((resolve) => { asked = resolve; });
  const answers = {
    number: () => 5,
    object: () => ({ name: 'ann' }),
    wrong: () => ({ user: 5 }),
    yes: () => true,
    throw: () => { throw new Error('the database is away'); },
    reject: () => Promise.reject(),
    never: () => { asked(); return new Promise(() => {}); },
    ann: () => 'ann',
  };
  const server = await engine.serve({ authenticate: (token) => answers[token]() });
  const status = async (token) =>
    (await fetch(`${server.url}/api/chatrooms/`, { headers: { authorization: `Bearer ${token}` } })).status;
  const never = status('never').catch(() => 503);
  await within(waits, 'the question');
  for (const [token, expected] of [['number', 401], ['object', 401], ['wrong', 401], ['yes', 401], ['throw', 503], ['reject', 503], ['ann', 200]]) {
    assert.equal(await status(token), expected, token);
  }
  await within(engine.close(), 'the close');
  assert.equal(await within(never, 'the refusal'), 503);
});

test('who logs in while the server is only starting is answered', async (t) => {
  const { engine } = await stage(t);
  const authenticate = () => 'ann';
  const { port, close } = await engine.serve({ authenticate }).then((server) => ({ port: server.port, close: () => server.close() }));
  await close();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const source = `
    const { connect } = require('node:net');
    const { parentPort, workerData: { port, flag } } = require('node:worker_threads');
    const asked = () => setTimeout(() => { Atomics.store(flag, 0, 1); Atomics.notify(flag, 0); }, 200);
    (function ask() {
      const head = ['GET /api/chatrooms/ HTTP/1.1', 'Host: x', 'Authorization: Bearer t', 'Connection: close', '', ''];
      const socket = connect(port, '127.0.0.1', () => socket.write(head.join('\\r\\n'), asked));
      socket.once('data', (said) => parentPort.postMessage(String(said)));
      socket.on('error', () => setTimeout(ask, 5));
    })();
  `;
  const worker = new Worker(source, { eval: true, workerData: { port, flag } });
  const answered = once(worker, 'message');
  await once(worker, 'online');
  const starting = engine.serve({ port, authenticate });
  // This thread has other things to do, and the question is there before the server is known here.
  Atomics.wait(flag, 0, 0, 60_000);
  await starting;
  assert.match((await within(answered, 'the answer'))[0], /^HTTP\/1.1 200/);
  await worker.terminate();
});
