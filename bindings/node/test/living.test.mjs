// It loads, lets the process exit, and survives whatever is done to it.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { ChatEngine } from '../index.mjs';
import { alive, program, stage, within } from './stage.mjs';

const require = createRequire(import.meta.url);

test('`import` and `require` give the same', () => {
  assert.equal(require('../index.cjs').ChatEngine, ChatEngine);
});

test('a process exits by itself after close, and after a forgotten one', async () => {
  const open = `
    const engine = await ChatEngine.open({ memory: true });
    const room = await engine.host().createRoom({ key: 'job:42', participants: ['ann'] });
    const ann = engine.session('ann');
    (async () => { for await (const event of ann.events({ rooms: [room.id] })) console.log(event.type); })();
    (async () => { for await (const frame of engine.connection('ann').frames()) JSON.parse(frame); })();
    await ann.send(room.id, { content: 'hi' });
  `;
  for (const end of [
    'await engine.close(); await engine.close();',
    '',
    'engine.close();',
    'const server = await engine.serve({ jwtSecret: "x".repeat(32) }); await engine.close();',
    'const server = await engine.serve({ jwtSecret: "x".repeat(32) }); await server.close();',
    'for (let n = 0; n < 100; n += 1) ann.send(room.id, { content: "in flight" });',
    'ann.send(room.id, { content: "in flight" }); process.exit();',
  ]) {
    const { code, said } = await program(`${open}${end}\nconsole.log("end");`);
    assert.equal(code, 0, `${end}: ${said}`);
    if (!end.includes('exit')) assert.match(said, /end/);
  }
});

test('a server keeps its process alive', async () => {
  const { code, said } = await program(`
    const engine = await ChatEngine.open({ memory: true });
    const server = await engine.serve({ jwtSecret: 'x'.repeat(32) });
    setTimeout(() => { console.log('still there'); engine.close(); }, 50).unref();
    server.closed.then(() => console.log('closed'));
  `);
  assert.equal(code, 0, said);
  assert.match(said, /still there\nclosed/);
});

test('a server that is starting while its engine closes, or after, is none', async () => {
  for (const [serve, said] of [
    ['await engine.close(); await engine.serve({ jwtSecret });', 'draining'],
    ['const starting = engine.serve({ jwtSecret }); await engine.close(); await (await starting).closed;', 'served'],
    ['const closing = engine.close(); const starting = engine.serve({ jwtSecret }); await closing; await starting;', 'draining'],
    ['await engine.serve({ jwtSecret }); const closing = engine.close(); await engine.serve({ jwtSecret });', 'draining'],
  ]) {
    const { code, said: heard } = await program(`
      const engine = await ChatEngine.open({ memory: true });
      const jwtSecret = 'x'.repeat(32);
      console.log(await (async () => { ${serve} return 'served'; })().catch(({ code }) => code));
    `);
    assert.equal(code, 0, `${serve}: ${heard}`);
    assert.equal(heard, `${said}\n`, serve);
  }
});

test('a server ends with its worker', async (t) => {
  alive(t);
  const folder = mkdtempSync(join(tmpdir(), 'chat-engine-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'chat.db');
  const source = `
    const { parentPort, workerData: { index, path } } = require('node:worker_threads');
    (async () => {
      const engine = await require(index).ChatEngine.open({ path });
      parentPort.postMessage((await engine.serve({ jwtSecret: 'x'.repeat(32) })).url);
    })();
  `;
  const worker = new Worker(source, { eval: true, workerData: { index: require.resolve('../index.cjs'), path } });
  const url = await within(new Promise((told) => worker.on('message', told)), 'a worker that serves');
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  await worker.terminate();
  const refused = async () => {
    while (await fetch(url).then(() => true, () => false)) await new Promise((later) => setTimeout(later, 10));
  };
  await within(refused(), 'that nobody listens');
  const again = async () => {
    for (;;) {
      try {
        return await ChatEngine.open({ path });
      } catch (error) {
        assert.match(error.message, /already in use/);
        await new Promise((later) => setTimeout(later, 10));
      }
    }
  };
  await (await within(again(), 'the file')).close();
});

test('after close every call fails with `draining`', async (t) => {
  const { engine, room, ann } = await stage(t);
  const events = ann.events();
  await engine.close();
  const closed = { code: 'draining', retryable: true };
  await assert.rejects(ann.send(room, { content: 'x' }), closed);
  await assert.rejects(engine.session('ann').send(room, { content: 'x' }), closed);
  await assert.rejects(engine.host().createRoom({}), closed);
  assert.deepEqual(await within(events[Symbol.asyncIterator]().next(), 'the end'), { done: true, value: undefined });
  await engine.close();
});

test('an engine that is closed with calls in flight settles each of them', async (t) => {
  const { engine, room, ann } = await stage(t);
  const calls = Array.from({ length: 1_000 }, (_, n) => ann.send(room, { content: `${n}` }));
  const settled = Promise.allSettled(calls);
  await engine.close();
  for (const { reason } of (await within(settled, 'every answer')).filter(({ status }) => status === 'rejected')) {
    assert.equal(reason.code, 'draining');
  }
});

test('worker threads have engines of their own, and end when they want to', async (t) => {
  alive(t);
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { ChatEngine } = require(workerData);
    (async () => {
      const engine = await ChatEngine.open({ memory: true });
      const room = await engine.host().createRoom({ participants: ['ann'] });
      const ann = engine.session('ann');
      (async () => { for await (const event of ann.events({ rooms: [room.id] })) event.type; })();
      for (let n = 0; n < 50; n += 1) await ann.send(room.id, { content: String(n) });
      parentPort.postMessage(await ann.unread());
      // Forgotten, with a call in flight.
      ann.send(room.id, { content: 'last' });
    })();
  `;
  const index = require.resolve('../index.cjs');
  const workers = Array.from({ length: 4 }, () => new Worker(source, { eval: true, workerData: index }));
  const ends = workers.map((worker) => new Promise((done) => worker.on('exit', done)));
  assert.deepEqual(await within(Promise.all(ends), 'the end of the workers'), [0, 0, 0, 0]);

  const cut = new Worker(source, { eval: true, workerData: index });
  await within(new Promise((told) => cut.on('message', told)), 'a worker at work');
  await within(cut.terminate(), 'the end of a worker that is cut');
});

test('a platform without a binary is told so, and what there is', () => {
  const { load, triple, AVAILABLE } = require('../lib/load.cjs');
  const source = readFileSync(require.resolve('../lib/load.cjs'), 'utf8');
  for (const name of AVAILABLE) {
    assert.ok(source.includes(`require('@chat-engine/${name}')`), 'a bundler finds it');
    assert.ok(source.includes(`require('../chat-engine.${name}.node')`), 'a bundler finds it');
  }
  const missing = () => {
    throw Object.assign(new Error('no such module'), { code: 'MODULE_NOT_FOUND' });
  };
  assert.throws(() => load(triple('freebsd', 'x64')), (error) => {
    assert.match(error.message, /freebsd-x64/);
    for (const name of AVAILABLE) assert.ok(error.message.includes(name));
    return true;
  });
  assert.throws(() => load(triple('linux', 'arm64', 'musl'), [missing, missing]), (error) => {
    for (const cause of [/@chat-engine\/linux-arm64-musl is not installed/, /--omit=optional/, /bundled/]) assert.match(error.message, cause);
    return true;
  });
  const broken = () => {
    throw new Error("version `GLIBC_2.39' not found");
  };
  assert.throws(() => load('linux-x64-gnu', [missing, broken]), /is there and does not load: .*GLIBC_2\.39/);
});
