import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { openChat } from './permit.mjs';

test('nobody writes about a job that is over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chat-engine-'));
  const engine = await openChat(join(folder, 'chat.db'), async (job) => job === 'job:42');
  for (const key of ['job:42', 'job:7']) await engine.host().createRoom({ key, participants: ['ann'] });
  const ann = engine.session('ann');
  assert.equal((await ann.send('job:42', { content: 'On my way' })).message.seq, 1);
  const refused = { code: 'forbidden', message: 'not allowed: the job is over' };
  await assert.rejects(ann.send('job:7', { content: 'On my way' }), refused);
  await engine.close();
  await rm(folder, { recursive: true });
});
