// What is wrong with an argument is a ChatError that says so, and never repeats what a user wrote.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ChatEngine, ChatError } from '../index.mjs';
import { stage } from './stage.mjs';

test('wrong arguments are refused, and named', async (t) => {
  const { engine, room, ann } = await stage(t);
  const circle = {};
  circle.circle = circle;
  for (const [call, code, said] of [
    [() => ann.send(room, { content: 5 }), 'invalid_argument', '`content`'],
    [() => ann.send(room, { content: null }), 'invalid_argument', '`content`'],
    [() => ann.send(room, { content: '\ud800 geheim' }), 'invalid_argument', ''],
    [() => ann.send(room, { content: 'x', message_type: 'geheim' }), 'invalid_argument', '`message_type`'],
    [() => ann.send(room, { content: 'x', client_id: 'a\u0000geheim' }), 'invalid_argument', '`client_id`'],
    [() => ann.send(room, { content: 'x', metadata: ['geheim'] }), 'invalid_argument', '`metadata`'],
    [() => ann.send(room, { content: 'x', metadata: { huge: 'x'.repeat(9_000) } }), 'too_large', '`metadata`'],
    [() => ann.send(room, { content: 'x', read_seq: 1.5 }), 'invalid_argument', '`read_seq`'],
    [() => ann.send(room, { content: 'x', read_seq: 1e300 }), 'invalid_argument', '`read_seq`'],
    [() => ann.send(room, 'geheim'), 'invalid_argument', '`message`'],
    [() => ann.send(room, ['geheim']), 'invalid_argument', '`message`'],
    [() => ann.send(room), 'invalid_argument', '`message`'],
    [() => ann.send(), 'invalid_argument', '`room`'],
    [() => ann.send({ room }, { content: 'x' }), 'invalid_argument', '`room`'],
    [() => ann.send('no room', { content: 'x' }), 'invalid_argument', '`key`'],
    [() => ann.send(room, { content: 'x', metadata: { n: 1n } }), 'invalid_argument', 'JSON'],
    [() => ann.send(room, circle), 'invalid_argument', 'JSON'],
    [() => ann.markRead(room, NaN), 'invalid_argument', '`seq`'],
    [() => ann.markRead(room, -1), 'invalid_argument', '`seq`'],
    [() => ann.markRead(room, 1.5), 'invalid_argument', '`seq`'],
    [() => ann.markRead(room, 2 ** 53), 'invalid_argument', '`seq`'],
    [() => ann.markRead(room, '1'), 'invalid_argument', '`seq`'],
    [() => ann.history(room, { limit: 'many' }), 'invalid_argument', '`limit`'],
    [() => ann.typing(room, 'yes'), 'invalid_argument', '`is_typing`'],
    [() => ann.message('geheim'), 'invalid_argument', '`message_id`'],
    [() => ann.rooms({ cursor: 'geheim' }), 'invalid_argument', '`cursor`'],
    [() => ann.events().subscribe([{ room, cursor: 'geheim' }]), 'invalid_argument', '`cursor`'],
    [() => ann.events().subscribe([5]), 'invalid_argument', ''],
    [async () => engine.session(''), 'invalid_argument', '`user_id`'],
    [async () => engine.session(5), 'invalid_argument', '`user`'],
    [async () => engine.connection('a\nb'), 'invalid_argument', '`user_id`'],
    [async () => engine.connection('ann', { room: 'no room' }), 'invalid_argument', '`key`'],
    [() => ChatEngine.open(), 'invalid_argument', 'memory'],
    [() => ChatEngine.open({ path: 'x', memory: true }), 'invalid_argument', 'memory'],
    [() => ChatEngine.open({ path: '/no/such/folder/x' }), 'storage_unavailable', ''],
    [() => ChatEngine.open({ memory: 'yes' }), 'invalid_argument', '`options`'],
    [() => engine.serve({}), 'invalid_argument', 'authenticate'],
    [() => engine.serve({ authenticate: true }), 'invalid_argument', '`authenticate`'],
    [() => engine.serve({ authenticate: Promise.resolve(() => 'ann') }), 'invalid_argument', '`authenticate`'],
    [() => engine.serve({ jwtSecret: 'short' }), 'invalid_argument', ''],
    [() => engine.serve({ jwtSecret: 'x'.repeat(32), authenticate: () => 'ann' }), 'invalid_argument', '`authenticate`'],
    [() => engine.serve({ port: 99_999 }), 'invalid_argument', ''],
    [() => engine.serve({ host: 'geheim', jwtSecret: 'x'.repeat(32) }), 'invalid_argument', '`host`'],
  ]) {
    const error = await call().then(
      () => assert.fail(`not refused: ${call}`),
      (thrown) => thrown,
    );
    assert.ok(error instanceof ChatError, `${call}: ${error.stack}`);
    assert.equal(error.code, code, `${call}: ${error}`);
    assert.ok(error.message.includes(said), `${call}: ${error}`);
    assert.ok(!error.message.includes('geheim'), `${call}: ${error}`);
    assert.equal(error.retryable, code === 'storage_unavailable');
    assert.match(error.stack, /input\.test\.mjs/, 'the stack leads to the caller');
  }
  // Nothing of it left a trace.
  assert.equal((await ann.history(room)).results.length, 0);
});

test('a Date is a time, what is undefined is absent, and null clears', async (t) => {
  const { engine, room } = await stage(t);
  const host = engine.host();
  const until = new Date('2099-01-02T03:04:05.678Z');
  const muted = await host.updateParticipant(room, { user_id: 'ann', muted_until: until, name: 'Ann' });
  assert.equal(muted.muted_until, until.toISOString());
  const named = await host.updateParticipant(room, { user_id: 'ann', muted_until: null, name: undefined });
  assert.equal(named.muted_until, undefined);
  assert.equal(named.name, 'Ann');
});

test('what JSON would make null is refused where null has a meaning', async (t) => {
  const { engine, room, ann } = await stage(t);
  const host = engine.host();
  const until = new Date('2099-01-02T03:04:05.678Z');
  await host.updateParticipant(room, { user_id: 'ann', muted_until: until });
  for (const [call, field] of [
    [() => host.updateParticipant(room, { user_id: 'ann', muted_until: new Date('x') }), 'muted_until'],
    [() => host.addParticipant(room, { user_id: 'zoe', visible_from: NaN }), 'visible_from'],
    [() => host.addParticipant(room, { user_id: 'zoe', visible_from: Infinity }), 'visible_from'],
    [() => ann.history(room, { before: -Infinity }), 'before'],
    [() => host.createRoom({ participants: [{ user_id: 'zoe', visible_from: NaN }] }), undefined],
  ]) {
    await assert.rejects(call(), { code: 'invalid_argument', details: field ? { field } : {} }, `${call}`);
  }
  const { results } = await host.participants(room);
  assert.deepEqual(results.map((one) => one.user_id), ['ann', 'ben']);
  assert.equal(results[0].muted_until, until.toISOString(), 'the mute is as it was');
});
