// What the tests share.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { ChatEngine } from '../index.mjs';

/** Waiting for the engine keeps no process alive, so a test that waits must. */
export function alive(t) {
  const timer = setInterval(() => {}, 1 << 30);
  t.after(() => clearInterval(timer));
}

/** What `promise` comes to, or an error that says what was waited for. */
export async function within(promise, what, ms = 60_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An engine with the room `job:42` of ann and ben; it is closed after the test. */
export async function stage(t) {
  alive(t);
  const engine = await ChatEngine.open({ memory: true });
  t.after(() => engine.close());
  const room = await engine.host().createRoom({ key: 'job:42', participants: ['ann', 'ben'] });
  return { engine, room: room.id, ann: engine.session('ann'), ben: engine.session('ben') };
}

/** Runs a program of its own that has the package; its exit code, and what it said. */
export async function program(source, args = [], ms = undefined) {
  const index = new URL('../index.mjs', import.meta.url);
  const text = `import { ChatEngine, ChatError } from ${JSON.stringify(index.href)};\n${source}`;
  const child = spawn(process.execPath, [...args, '--input-type=module', '--eval', text], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  child.stderr.on('data', (text) => (said += text));
  const exit = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  try {
    return { code: await within(exit, 'the end of a program', ms), said };
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${error.message}\n${said}`);
  }
}
