// The file: durable, one at a time, and let go of.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { ChatEngine } from '../index.mjs';
import { alive, program } from './stage.mjs';

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'chat-engine-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('what was acknowledged is there again, also after a process that forgot to close or was killed', async (t) => {
  alive(t);
  const path = join(folder(t), 'chat.db');
  const write = (end) => program(`
    const engine = await ChatEngine.open({ path: ${JSON.stringify(path)} });
    await engine.host().createRoom({ key: 'job:42', participants: ['ann'] });
    await engine.session('ann').send('job:42', { content: 'kept' });
    ${end}
  `);
  for (const end of ['await engine.close()', '', 'process.kill(process.pid, "SIGKILL")']) {
    const { code, said } = await write(end);
    assert.equal(code, end.includes('kill') ? 'SIGKILL' : 0, said);
  }
  const engine = await ChatEngine.open({ path });
  const { results } = await engine.session('ann').history('job:42');
  assert.deepEqual(results.map(({ seq, content }) => [seq, content]), [[3, 'kept'], [2, 'kept'], [1, 'kept']]);
  await engine.close();
});

test('a file is opened once at a time, and let go of by close', async (t) => {
  alive(t);
  const path = join(folder(t), 'chat.db');
  const engine = await ChatEngine.open({ path });
  await assert.rejects(ChatEngine.open({ path }), { code: 'storage_unavailable', retryable: true, message: /already in use/ });
  await engine.close();
  for (let round = 0; round < 20; round += 1) {
    const again = await ChatEngine.open({ path });
    await again.close();
  }
});

test('suspended it lets go of the file, and resumed it has what others wrote meanwhile', async (t) => {
  alive(t);
  const path = join(folder(t), 'chat.db');
  const engine = await ChatEngine.open({ path });
  await engine.host().createRoom({ key: 'job:42', participants: ['ann', 'ben'] });
  const events = engine.session('ann').events();
  const [{ cursor }] = await events.subscribe('job:42');
  await engine.suspend();
  await engine.suspend();
  await assert.rejects(engine.session('ann').send('job:42', { content: 'x' }), { code: 'suspended', retryable: true });
  await assert.rejects(engine.session('ann').rooms(), { code: 'suspended' });
  const other = await ChatEngine.open({ path });
  await other.session('ben').send('job:42', { content: 'from elsewhere' });
  await assert.rejects(engine.resume(), { code: 'storage_unavailable', message: /already in use/ });
  await assert.rejects(engine.session('ann').rooms(), { code: 'suspended' });
  await other.close();
  await Promise.all([engine.resume(), engine.resume()]);
  for await (const event of events) {
    if (event.type === 'resync') break;
  }
  const again = engine.session('ann').events();
  const [{ changes }] = await again.subscribe([{ room: 'job:42', cursor }]);
  assert.deepEqual(changes.map(({ message }) => message.content), ['from elsewhere']);
  const { message } = await engine.session('ann').send('job:42', { content: 'on we go' });
  assert.equal(message.seq, 2);
  await engine.close();
  await assert.rejects(engine.suspend(), { code: 'draining' });
  await assert.rejects(engine.resume(), { code: 'draining' });
});

test('an engine in memory has nothing to let go of', async () => {
  const engine = await ChatEngine.open({ memory: true });
  await engine.suspend();
  await engine.host().createRoom({ key: 'job:42', participants: ['ann'] });
  await engine.resume();
  assert.equal((await engine.session('ann').rooms()).results.length, 1);
  await engine.close();
});

test('what is no chat database is left alone', async (t) => {
  const path = join(folder(t), 'notes.txt');
  writeFileSync(path, 'dear diary '.repeat(500));
  await assert.rejects(ChatEngine.open({ path }), { code: 'invalid_argument', details: { field: 'path' } });
});
