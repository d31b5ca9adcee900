// What the peer promises: what it tells is stored, and a name is used once.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';

const SECRET = 'a secret for tests only, at least 32 bytes long';
let folder;
let server;
let address;

for (const tell of ['shared', 'corked']) {
  describe(tell, () => {
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'peer-'));
      await start(tell);
      for (const key of ['job:1', 'job:2']) {
        const room = { key, participants: ['anna', 'ben', 'carl'] };
        assert.equal((await ask('POST', '/api/chatrooms/', service(), room)).status, 201);
      }
    });

    after(async () => {
      await stop('SIGTERM');
      await rm(folder, { recursive: true });
    });

    test('what was told is there after a kill', async () => {
      const [anna, ben] = await Promise.all([enter('anna'), enter('ben')]);
      for (let n = 0; n < 100; n += 1) anna.send({ action: 'send_message', content: `${n} – ü`, client_id: `${n}` });
      const told = await ben.take(100);
      assert.deepEqual(told, await anna.take(100));
      told.forEach(({ message }, n) => {
        assert.deepEqual([message.seq, message.content, message.sender], [n + 1, `${n} – ü`, 'anna']);
      });
      await stop('SIGKILL');
      await start(tell);
      const { body } = await ask('GET', '/api/chatrooms/job:1/messages/?limit=200', token('ben'));
      assert.deepEqual(body.results, told.map(({ message }) => message).reverse());
      const { body: part } = await ask('GET', '/api/chatrooms/job:1/messages/?limit=2&before=4', token('ben'));
      assert.deepEqual([part.results.map(({ seq }) => seq), part.next], [[3, 2], 'before=2&limit=2']);
    });

    test('a name is used once, and a repeat changes nothing', async () => {
      const send = (content) =>
        ask('POST', '/api/chatrooms/job:1/send_message/', token('ben'), { content, client_id: 'once' });
      const [first, second] = await Promise.all([send('hello'), send('hello')]);
      assert.deepEqual([first.status, second.status].sort(), [200, 201]);
      assert.deepEqual(first.body, second.body);
      assert.equal((await send('another')).status, 409);
      const ben = await enter('ben');
      ben.send({ action: 'send_message', content: 'hello', client_id: 'once' });
      assert.deepEqual((await ben.take(1))[0].message, first.body);
      const next = await ask('POST', '/api/chatrooms/job:1/send_message/', token('ben'), { content: 'next' });
      assert.equal(next.body.seq, first.body.seq + 1);
    });

    test('a long message comes whole, and one that is too long, is blank or has control characters is refused', async () => {
      const ben = await enter('ben');
      const said = async (content) => {
        ben.send({ action: 'send_message', content });
        const [{ code, message }] = await ben.take(1);
        return code ?? message.content;
      };
      const long = '"'.repeat(16 * 1024);
      assert.equal(await said(long), long);
      assert.equal(await said(`${long}!`), 'message_too_large');
      assert.equal(await said('a\n\tb'), 'a\n\tb');
      for (const bad of ['', ' \u200b\n', 'a\0', 'a\rb']) assert.equal(await said(bad), 'invalid_argument');
    });

    test('unread is what others wrote since one read, and who writes has read', async () => {
      const unread = async (user) => {
        const { body } = await ask('GET', '/api/chatrooms/', token(user));
        return body.results.find(({ key }) => key === 'job:2').unread_count;
      };
      const [anna, carl] = await Promise.all([enter('anna', 2), enter('carl', 2)]);
      for (const content of ['one', 'two', 'three']) anna.send({ action: 'send_message', content });
      assert.deepEqual(
        (await carl.take(3)).map(({ message }) => message.seq),
        [1, 2, 3],
      );
      assert.equal(await unread('carl'), 3);
      assert.equal(await unread('anna'), 0);
      await anna.take(3);
      carl.send({ action: 'read_message', seq: 2 });
      const [read] = await anna.take(1);
      assert.deepEqual([read.type, read.user_id, read.seq], ['message_read', 'carl', 2]);
      assert.equal(await unread('carl'), 1);
      await stop('SIGKILL');
      await start(tell);
      assert.equal(await unread('carl'), 1);
    });

    test('who is removed hears, reads and writes nothing any more', async () => {
      const [anna, carl] = await Promise.all([enter('anna'), enter('carl')]);
      const gone = '/api/chatrooms/job:1/participants/carl/';
      assert.equal((await ask('DELETE', gone, token('anna'))).status, 403);
      assert.equal((await ask('DELETE', gone, service())).status, 200);
      carl.send({ action: 'send_message', content: 'still here' });
      assert.equal(await carl.closed, 3501);
      anna.send({ action: 'send_message', content: 'among us' });
      assert.equal((await anna.take(1))[0].message.content, 'among us');
      assert.deepEqual(
        (await carl.take(0)).filter(({ type }) => type === 'chat_message'),
        [],
      );
      for (const [method, what] of [
        ['GET', 'messages'],
        ['POST', 'send_message'],
      ]) {
        const body = method === 'POST' ? { content: 'hello' } : undefined;
        assert.equal((await ask(method, `/api/chatrooms/job:1/${what}/`, token('carl'), body)).status, 404);
      }
    });

    test('nobody gets in who may not', async () => {
      const page = '/api/chatrooms/job:1/messages/';
      assert.equal((await ask('GET', page, `${token('anna')}x`)).status, 401);
      assert.equal((await ask('GET', page, token('anna', { exp: 1 }))).status, 401);
      assert.equal((await ask('GET', page, token('mallory'))).status, 404);
      const socket = new WebSocket(`ws://${address}/ws/job_chat/1/`, { headers: bearing(token('mallory')) });
      const [error] = await once(socket, 'error');
      assert.match(error.message, /404/);
    });
  });
}

async function start(tell) {
  const main = fileURLToPath(new URL('server.mjs', import.meta.url));
  const args = [main, '--db', join(folder, 'peer.db'), '--tell', tell];
  server = spawn(process.execPath, args, {
    env: { ...process.env, CHAT_JWT_SECRET: SECRET },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(server.stdout), 'line');
  address = line.split('http://')[1];
}

async function stop(signal) {
  const exited = once(server, 'exit');
  server.kill(signal);
  await exited;
}

function token(sub, more = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub, exp: 4_102_444_800, ...more })}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

function service() {
  return token('host', { role: 'service' });
}

function bearing(token) {
  return { Authorization: `Bearer ${token}` };
}

async function ask(method, path, token, body) {
  const answer = await fetch(`http://${address}${path}`, {
    method,
    headers: bearing(token),
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** A socket in the room that is ready. */
async function enter(user, job = 1) {
  const socket = new WebSocket(`ws://${address}/ws/job_chat/${job}/`, { headers: bearing(token(user)) });
  const came = [];
  let wake = () => {};
  socket.on('message', (text) => {
    came.push(JSON.parse(text));
    wake();
  });
  socket.on('error', () => socket.terminate());
  const closed = once(socket, 'close').then(([code]) => code);
  const take = async (count) => {
    while (came.length < count) {
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
    return came.splice(0, count);
  };
  assert.equal((await take(1))[0].type, 'ready');
  return { take, closed, send: (command) => socket.send(JSON.stringify(command)) };
}
