// The story that every language plays, through the package's public API.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ChatEngine, ChatError } from '../index.mjs';
import { alive, within } from './stage.mjs';

const { steps } = JSON.parse(readFileSync(new URL('../../scenario.json', import.meta.url)));
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

test('the story', async (t) => {
  alive(t);
  const engine = await ChatEngine.open({ memory: true });
  const [saved, told] = [{}, {}];
  const actor = (name) => (name === 'host' ? engine.host() : engine.session(name));

  /** The step's values with what was saved, and long texts at their length. */
  const meant = (value) => {
    if (typeof value === 'string' && value.startsWith('$')) return saved[value.slice(1)];
    if (Array.isArray(value)) return value.map(meant);
    if (value === null || typeof value !== 'object') return value;
    if ('$repeat' in value) return value.$repeat[0].repeat(value.$repeat[1]);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, meant(part)]));
  };

  for (const [n, step] of steps.entries()) {
    const where = `step ${n + 1}: ${JSON.stringify(step).slice(0, 120)}`;
    if (step.follow) {
      const events = actor(step.as).events();
      const opened = await events.subscribe(meant(step.follow));
      assert.ok(opened.every((room) => room.snapshot), where);
      told[step.as] = events[Symbol.asyncIterator]();
    } else if (step.event) {
      let event;
      do {
        const next = await within(told[step.as].next(), where);
        assert.ok(!next.done, where);
        event = next.value;
      } while (event.type !== step.event.type);
      contains(event, meant(step.event), where);
    } else {
      const call = actor(step.as)[camel(step.call)](...meant(step.args));
      if (step.error) {
        const error = await call.then(() => assert.fail(where), (thrown) => thrown);
        assert.ok(error instanceof ChatError, `${where}: ${error}`);
        const { code, ...details } = step.error;
        assert.equal(error.code, code, `${where}: ${error}`);
        contains(error.details, details, where);
      } else {
        const answer = await call.catch((error) => assert.fail(`${where}: ${error}`));
        contains(answer, meant(step.ok), where);
        for (const [name, path] of Object.entries(step.save ?? {})) {
          saved[name] = path.split('.').reduce((part, key) => part[key], answer);
        }
      }
    }
  }
  await engine.close();
});

/** Everything that is expected is there; `null` stands for what is absent too. */
function contains(actual, expected, where) {
  if (Array.isArray(expected)) {
    assert.equal(actual?.length, expected.length, where);
    expected.forEach((part, n) => contains(actual[n], part, where));
  } else if (expected !== null && typeof expected === 'object') {
    for (const [key, part] of Object.entries(expected)) contains(actual?.[key], part, `${where} .${key}`);
  } else {
    assert.deepEqual(actual ?? null, expected, where);
  }
}
