import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';

import { WebSocket } from 'ws';

import { start as express } from './server.mjs';
import { start as fastify } from './fastify.mjs';

for (const [name, start] of Object.entries({ express, fastify })) {
  test(`two people chat about a job over the own port of a back end with ${name}`, () => chat(start));
}

async function chat(start) {
  const back = await start({ origins: ['https://app.example.com'] });
  const at = `127.0.0.1:${back.port}`;
  await fetch(`http://${at}/jobs/42`, { method: 'POST' });

  const open = async (user, options) => {
    const socket = new WebSocket(`ws://${at}/chat`, { headers: user ? { 'x-user': user } : {}, ...options });
    const frames = [];
    const closed = once(socket, 'close');
    socket.on('message', (frame) => {
      frames.push(JSON.parse(frame));
      socket.emit('frame');
    });
    const until = async (type) => {
      for (;;) {
        const found = frames.find((frame) => frame.type === type);
        if (found) return found;
        await once(socket, 'frame');
      }
    };
    return { socket, closed, until, say: (frame) => socket.send(JSON.stringify(frame)) };
  };

  const [client, cleaner] = [await open('client'), await open('cleaner')];
  await Promise.all([client.until('ready'), cleaner.until('ready')]);
  cleaner.say({ action: 'subscribe', room: 'job:42', ref: 1 });
  await cleaner.until('reply');
  client.say({ action: 'send_message', room: 'job:42', content: 'Is the key there?', client_id: 'm-1' });
  assert.equal((await cleaner.until('chat_message')).message.content, 'Is the key there?');
  const unread = await fetch(`http://${at}/unread`, { headers: { 'x-user': 'cleaner' } });
  assert.equal(await unread.json(), 1);

  const page = await open('client', { origin: 'https://app.example.com' });
  await page.until('ready');
  page.socket.send(Buffer.from('no text'));
  assert.match((await page.until('error')).message, /text frame/);
  page.socket.send('x'.repeat(128 * 1024 + 1));
  assert.equal((await page.closed)[0], 1009);
  const elsewhere = new WebSocket(`ws://${at}/chat`, { headers: { 'x-user': 'client' }, origin: 'https://evil.example' });
  assert.match((await once(elsewhere, 'error'))[0].message, /403/);

  const stranger = await open();
  assert.equal((await stranger.closed)[0], 3500);
  assert.ok([1006, 1011].includes((await (await open('x'.repeat(200))).closed)[0]), 'no name of a user');
  // A frame that no WebSocket sends, from somebody whom nobody knows.
  const rude = connect(back.port, '127.0.0.1');
  rude.write(
    `GET /chat HTTP/1.1\r\nHost: ${at}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  rude.once('data', () => rude.write(Buffer.from([0xff, 0xff, 0, 0])));
  rude.on('error', () => {});
  await once(rude, 'close');
  await back.close();
  assert.equal((await client.closed)[0], 3000);
  assert.equal((await cleaner.closed)[0], 3000);
}
