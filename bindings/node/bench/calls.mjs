// What a call costs from Node. `node bench/calls.mjs SECONDS` says on one line how many microseconds each kind takes;
// `cargo xtask bench bindings` sets it beside the same in Rust.

import { setImmediate as turn } from 'node:timers/promises';

import { ChatEngine } from '../index.mjs';

const MILLISECONDS = Number(process.argv[2]) * 1_000;
/** Fits what may wait for a subscriber. */
const BATCH = 512;

/** Repeats `work`, which says how long its calls took and how many they were: first to warm up, then to measure. */
async function micros(work) {
  await over(work);
  const [took, calls] = await over(work);
  return (took / calls) * 1_000;
}

async function over(work) {
  let [took, calls] = [0, 0];
  for (const end = performance.now() + MILLISECONDS; performance.now() < end; ) {
    const [time, count] = await work();
    took += time;
    calls += count;
  }
  return [took, calls];
}

/** 1,000 times the same call, and the turn of the loop in which what they left behind is let go of. */
function calls(call) {
  const count = 1_000;
  return async () => {
    const begun = performance.now();
    for (let n = 0; n < count; n += 1) call();
    await turn();
    return [performance.now() - begun, count];
  };
}

const alive = setInterval(() => {}, 1 << 30);
const engine = await ChatEngine.open({ memory: true });
const { id: room } = await engine.host().createRoom({ key: 'job:42', participants: ['ann', 'ben'] });
const [ann, ben] = [engine.session('ann'), engine.session('ben')];

const connection = engine.connection('ann');
const scalar = await micros(calls(() => connection.closeCode));
connection.close();

const object = await micros(calls(() => engine.session('ann')));

const awaited = await micros(async () => {
  const begun = performance.now();
  for (let n = 0; n < 100; n += 1) await ann.unread();
  return [performance.now() - begun, 100];
});

const subscriber = ben.events();
await subscriber.subscribe(room);
const events = subscriber[Symbol.asyncIterator]();
const event = await micros(async () => {
  // What is sent is there when its promise resolves, and waits; taking it is what is measured.
  await Promise.all(Array.from({ length: BATCH }, () => ann.send(room, { content: 'On my way' })));
  const begun = performance.now();
  let count = 0;
  for (let messages = 0; messages < BATCH; count += 1) {
    const { value } = await events.next();
    if (value.type === 'chat_message') messages += 1;
  }
  return [performance.now() - begun, count];
});

console.log(JSON.stringify({ scalar, object, async: awaited, event }));
await engine.close();
clearInterval(alive);
