// Events: pulled, bounded, and resumed without a gap.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { program, stage, within } from './stage.mjs';

test('every event comes once and in order, also while rooms are opened', async (t) => {
  const { engine, room, ann, ben } = await stage(t);
  const other = (await engine.host().createRoom({ participants: ['ann', 'ben'] })).id;
  const events = ben.events();
  await events.subscribe(room);
  const seqs = [];
  const reading = (async () => {
    for await (const event of events) {
      if (event.type === 'chat_message' && event.room === room) seqs.push(event.message.seq);
      if (event.type === 'chat_message' && event.room === other) return;
    }
  })();
  const sends = Array.from({ length: 500 }, (_, n) => ann.send(room, { content: `${n}` }));
  // It is waited for and opened at the same time.
  await within(events.subscribe([{ room: other }]), 'the second room');
  await Promise.all(sends);
  await ann.send(other, { content: 'last' });
  await within(reading, 'the last event');
  assert.deepEqual(seqs, Array.from({ length: 500 }, (_, n) => n + 1));
});

test('a room is closed by its key', async (t) => {
  const { room, ann, ben } = await stage(t);
  const events = ben.events();
  await events.subscribe('job:42');
  await events.unsubscribe('job:42');
  await ann.send(room, { content: 'unheard' });
  await events.subscribe('job:42');
  await ann.send(room, { content: 'heard' });
  for await (const event of events) {
    if (event.type !== 'chat_message') continue;
    assert.equal(event.message.content, 'heard');
    break;
  }
});

test('who does not pull is told to resync, and resumes from the cursor', async (t) => {
  const { room, ann, ben } = await stage(t);
  const events = ben.events();
  const [opened] = await events.subscribe(room);
  // More than may wait: 1 MiB here, and 256 events on the way.
  const content = 'x'.repeat(16_000);
  for (let n = 0; n < 400; n += 1) await ann.send(room, { content });
  let last = opened.cursor;
  const seen = [];
  for await (const event of events) {
    if (event.type === 'resync') break;
    if (event.type === 'chat_message') {
      seen.push(event.message.seq);
      last = event.cursor;
    }
  }
  assert.ok(seen.length < 400, 'a subscriber that sleeps is not kept supplied');
  const again = ben.events();
  for (let more = true; more; ) {
    const [missed] = await again.subscribe([{ room, cursor: last }]);
    for (const change of missed.changes ?? []) seen.push(change.message.seq);
    more = missed.more ?? false;
    last = missed.cursor;
  }
  again.close();
  assert.deepEqual(seen, Array.from({ length: 400 }, (_, n) => n + 1), 'without a gap or a double');
});

test('a signal ends it, and leaving the loop does', async (t) => {
  const { room, ann, ben } = await stage(t);
  const stop = new AbortController();
  const events = ben.events({ rooms: [room], signal: stop.signal });
  const reading = (async () => {
    for await (const event of events) if (event.type === 'user_joined') stop.abort(new Error('enough'));
  })();
  await assert.rejects(within(reading, 'the end'), /enough/);
  await assert.rejects(events.subscribe(room), { code: 'draining' });

  const left = ben.events({ rooms: [room] });
  for await (const event of left) if (event.type === 'user_joined') break;
  await assert.rejects(left.subscribe(room), { code: 'draining' });
});

test('a signal that fires while rooms are opened is what a loop throws', async (t) => {
  const { ben } = await stage(t);
  const stop = new AbortController();
  const first = ben.events({ rooms: ['job:42'], signal: stop.signal })[Symbol.asyncIterator]().next();
  stop.abort(new Error('enough'));
  await assert.rejects(within(first, 'the end'), /enough/);
});

test('a signal ends the waiting, not what was begun', async (t) => {
  const { room, ann } = await stage(t);
  const aborted = AbortSignal.abort(new Error('too late'));
  await assert.rejects(ann.send(room, { content: 'x', client_id: 'm-1' }, { signal: aborted }), /too late/);
  assert.equal((await ann.room(room)).last_seq, 0, 'what was never begun is not stored');

  const during = new AbortController();
  const message = { content: 'x', client_id: 'm-2' };
  const sending = ann.send(room, message, { signal: during.signal });
  during.abort(new Error('never mind'));
  await assert.rejects(sending, /never mind/);
  const sent = await ann.send(room, message);
  assert.equal(sent.message.seq, 1);
  assert.equal((await ann.room(room)).last_seq, 1, 'repeated under its name it has happened once');
});

test('a loop opens rooms from now on, and one that is not there is an error', async (t) => {
  const { room, ann } = await stage(t);
  const first = (rooms) => ann.events({ rooms })[Symbol.asyncIterator]().next();
  for (const rooms of ['job:7', ['job:42', 'job:7']]) {
    await assert.rejects(within(first(rooms), 'the refusal'), { name: 'ChatError', code: 'not_found', retry: 'never' });
  }
  // What was missed since would be lost.
  const { cursor } = await ann.room(room);
  for (const rooms of [[{ room, cursor }], { room, cursor }, [5]]) {
    await assert.rejects(within(first(rooms), 'the refusal'), { code: 'invalid_argument', details: { field: 'rooms' } });
  }
});

test('a loop whose rooms cannot be opened leaves nobody online', async (t) => {
  const { engine, ann, room } = await stage(t);
  await assert.rejects(async () => {
    for await (const event of ann.events({ rooms: ['no room'] })) assert.fail(event.type);
  }, { code: 'invalid_argument' });
  const isOnline = async () => (await engine.host().participants(room)).results.find(({ user_id }) => user_id === 'ann').online;
  const gone = (async () => {
    while (await isOnline()) await new Promise((later) => setTimeout(later, 20));
  })();
  await within(gone, 'that ann is gone');
});

test('closing the engine ends every loop', async (t) => {
  const { engine, room, ben } = await stage(t);
  const streams = Array.from({ length: 10 }, () => ben.events());
  // A loop that closing overtakes before its rooms are open is told so by an error; here all of them are open.
  await Promise.all(streams.map((events) => events.subscribe(room)));
  const loops = streams.map(async (events) => {
    for await (const event of events) assert.ok(event.type);
  });
  await engine.close();
  await within(Promise.all(loops), 'the end of every loop');
});

test('a loop that waits is not let go of, though nobody else holds it', async () => {
  const { code, said } = await program(
    `
    const alive = setInterval(() => {}, 1 << 30);
    const engine = await ChatEngine.open({ memory: true });
    const { id } = await engine.host().createRoom({ participants: ['ann'] });
    const ann = engine.session('ann');
    (async () => {
      for await (const event of ann.events({ rooms: [id] })) {
        if (event.message?.content === 'last') console.log('heard'), await engine.close(), clearInterval(alive);
      }
    })();
    for (let n = 0; n < 20; n += 1) {
      gc();
      await new Promise((later) => setTimeout(later, 10));
    }
    await ann.send(id, { content: 'last' });
    `,
    ['--expose-gc'],
  );
  assert.deepEqual({ code, said }, { code: 0, said: 'heard\n' });
});
