// The program that measures what a call costs says so; what it costs is for `cargo xtask bench bindings` to judge.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

test('what a call costs is measured for every kind', async () => {
  const calls = fileURLToPath(new URL('../bench/calls.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [calls, '0.01'], { timeout: 60_000 });
  const costs = JSON.parse(stdout);
  assert.deepEqual(Object.keys(costs), ['scalar', 'object', 'async', 'event']);
  assert.ok(Object.values(costs).every((micros) => micros > 0), stdout);
});
