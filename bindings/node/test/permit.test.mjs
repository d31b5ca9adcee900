// The application's permission hook, written in JavaScript.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { ChatEngine } from '../index.mjs';
import { alive, program, within } from './stage.mjs';

const require = createRequire(import.meta.url);

/** An engine with a hook, and the room `job:42` of ann and ben. */
async function stage(t, permit) {
  alive(t);
  const engine = await ChatEngine.open({ memory: true, permit });
  t.after(() => engine.close());
  const { id } = await engine.host().createRoom({ key: 'job:42', participants: ['ann', 'ben'] });
  return { engine, id, ann: engine.session('ann') };
}

const texts = async (engine) => (await engine.host().history('job:42')).results.map(({ content }) => content);

test('it is asked about the commands of users, and what it says holds', async (t) => {
  const asked = [];
  const { engine, id, ann } = await stage(t, async (attempt) => {
    asked.push(attempt);
    await new Promise((later) => setTimeout(later, 5));
    if (attempt.command.content === 'no') return false;
    return attempt.command.content === 'why' ? { deny: 'the job is over' } : true;
  });
  await ann.send(id, { content: 'yes', client_id: 'm-1', metadata: { deep: [1, null] } });
  await ann.room(id);
  await ann.typing(id, true);
  const [{ room, ...attempt }] = asked;
  assert.deepEqual(attempt.command.metadata, { deep: [1, null] });
  assert.deepEqual([asked.length, attempt.user, attempt.action, room.id, room.key], [1, 'ann', 'send_message', id, 'job:42']);
  await ann.createRoom({});
  assert.deepEqual([asked[1].command.action, asked[1].room], ['create_room', null]);

  const forbidden = { name: 'ChatError', code: 'forbidden', retry: 'never' };
  await assert.rejects(ann.send(id, { content: 'no' }), { ...forbidden, message: 'not allowed: the application says no' });
  await assert.rejects(ann.send(id, { content: 'why' }), { ...forbidden, message: 'not allowed: the job is over' });
  await assert.rejects(engine.session('eve').send(id, { content: 'why' }), { code: 'not_found' });
  assert.equal(asked.length, 4, 'nobody is asked about what is hidden');
  assert.deepEqual(await texts(engine), ['yes']);
});

test('one that throws, rejects, says something else or nothing in time forbids for now', async (t) => {
  const { engine, id, ann } = await stage(t, ({ command }) => {
    switch (command.content) {
      case 'throw': throw new Error('the database is away');
      case 'reject': return Promise.reject(new Error('the database is away'));
      case 'reject with nothing': return Promise.reject();
      case 'never': return new Promise(() => {});
      case 'undefined': return undefined;
      case 'null': return null;
      case 'text': return 'true';
      case 'number': return 1;
      case 'object': return { deny: 5 };
      case 'trap': return { get deny() { throw new Error('gone'); } };
      case 'thenable': return { then() { throw new Error('gone'); } };
      default: return true;
    }
  });
  const wrong = ['throw', 'reject', 'reject with nothing', 'never', 'undefined', 'null', 'text', 'number', 'object', 'thenable', 'trap'];
  const busy = { name: 'ChatError', code: 'busy', retryable: true, retryAfterMs: 1_000 };
  const sends = wrong.map((content) => assert.rejects(ann.send(id, { content }), busy, content));
  await within(Promise.all(sends), 'every answer');
  await ann.send(id, { content: 'it goes on' });
  assert.deepEqual(await texts(engine), ['it goes on']);
});

test('what a hook throws is a warning of the process, and nothing of it reaches the caller', async (t) => {
  const away = new Error('the database is away');
  const warned = [];
  const hear = (warning) => warned.push(warning);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  const { engine, id, ann } = await stage(t, ({ command }) => { throw command.content === 'error' ? away : 'no error'; });
  await assert.rejects(ann.send(id, { content: 'error' }), { code: 'busy', message: /^(?!.*database)/ });
  await assert.rejects(ann.send(id, { content: 'other' }), { code: 'busy' });
  const server = await engine.serve({ authenticate: () => { throw away; } });
  const answer = await fetch(`${server.url}/api/chatrooms/`, { headers: { authorization: 'Bearer token' } });
  assert.equal(answer.status, 503);
  assert.deepEqual(warned.map((one) => (one === away ? 'away' : one.cause)), ['away', 'no error', 'away']);
});

test('a question holds up nobody else, and what comes over a socket keeps its order', async (t) => {
  let go;
  const gone = new Promise((resolve) => { go = resolve; });
  const { engine, id } = await stage(t, async ({ command }) => {
    if (command.content === 'wait') await gone;
    return true;
  });
  const conn = engine.connection('ann', { room: 'job:42' });
  const frames = conn.frames();
  // What is said before the room is open is no event of it.
  assert.equal(JSON.parse((await within(frames.next(), 'the first frame')).value).type, 'ready');
  for (const content of ['wait', 'second']) conn.receive(JSON.stringify({ action: 'send_message', content }));
  const said = (async () => {
    const seen = [];
    for await (const frame of frames) {
      const { type, message } = JSON.parse(frame);
      if (type === 'chat_message') seen.push(message.content);
      if (seen.length === 3) return seen;
    }
  })();
  await engine.session('ben').send(id, { content: 'meanwhile' });
  go();
  assert.deepEqual(await within(said, 'three messages'), ['meanwhile', 'wait', 'second']);
});

test('what is no function is refused', async () => {
  for (const permit of [null, true, {}, 'allow']) {
    await assert.rejects(ChatEngine.open({ memory: true, permit }), { code: 'invalid_argument', details: { field: 'permit' } });
  }
});

test('a process exits by itself, whatever its hook does', async () => {
  const open = (permit) => `
    const engine = await ChatEngine.open({ memory: true, permit: ${permit} });
    const { id } = await engine.host().createRoom({ participants: ['ann'] });
    const ann = engine.session('ann');
  `;
  for (const [permit, end] of [
    ['() => true', 'await ann.send(id, { content: "hi" }); await engine.close();'],
    ['() => true', 'await ann.send(id, { content: "hi" });'],
    ['() => new Promise(() => {})', 'ann.send(id, { content: "hi" }).catch((error) => console.log(error.code));'],
    ['() => new Promise(() => {})', 'ann.send(id, { content: "hi" }).catch((error) => console.log(error.code)); await engine.close();'],
    ['() => { setTimeout(() => process.exit(), 1); return new Promise(() => {}); }', 'ann.send(id, { content: "hi" });'],
  ]) {
    const { code, said } = await program(`${open(permit)}${end}\nconsole.log('end');`);
    assert.equal(code, 0, `${permit} ${end}: ${said}`);
    assert.match(said, /end/);
  }
});

test('worker threads have hooks of their own, and may be cut while one is asked', async (t) => {
  alive(t);
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { ChatEngine } = require(workerData);
    (async () => {
      const permit = ({ command }) => command.content !== 'wait' || (parentPort.postMessage('asked'), new Promise(() => {}));
      const engine = await ChatEngine.open({ memory: true, permit });
      const { id } = await engine.host().createRoom({ participants: ['ann'] });
      for (let n = 0; n < 50; n += 1) await engine.session('ann').send(id, { content: String(n) });
      await engine.session('ann').send(id, { content: 'wait' });
    })();
  `;
  const index = require.resolve('../index.cjs');
  for (let n = 0; n < 3; n += 1) {
    const worker = new Worker(source, { eval: true, workerData: index });
    await within(new Promise((told) => worker.on('message', told)), 'a worker that is asked');
    await within(worker.terminate(), 'the end of a worker that is cut');
  }
});
