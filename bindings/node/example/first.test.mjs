import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const first = fileURLToPath(new URL('first.mjs', import.meta.url));

test('the first ten lines say what they should, and end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chat-engine-'));
  const { stdout } = await promisify(execFile)(process.execPath, [first], { cwd: folder, timeout: 60_000 });
  assert.equal(stdout, 'ann: On my way\n1 unread\n');
  await rm(folder, { recursive: true });
});
