// What is published is what a stranger can install, load and run.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { npm, platformManifest, publishedManifest } from '../pack.mjs';

const { AVAILABLE, triple } = createRequire(import.meta.url)('../lib/load.cjs');
const root = fileURLToPath(new URL('..', import.meta.url));

/** The oldest glibc that the addon for Linux needs: that of Debian 12, RHEL 9 and Ubuntu 22.04 is newer. */
const GLIBC_FLOOR = [2, 34];

test('each platform has a package that npm takes for no other', () => {
  assert.deepEqual(platformManifest('linux-x64-musl').libc, ['musl']);
  assert.deepEqual([platformManifest('darwin-arm64').os, platformManifest('darwin-arm64').cpu], [['darwin'], ['arm64']]);
  assert.deepEqual([platformManifest('win32-x64-msvc').os, platformManifest('win32-x64-msvc').libc], [['win32'], undefined]);
  const { optionalDependencies, private: isPrivate, version } = publishedManifest();
  assert.equal(isPrivate, undefined);
  assert.deepEqual(optionalDependencies, Object.fromEntries(AVAILABLE.map((name) => [`@chat-engine/${name}`, version])));
  const workflow = readFileSync(join(root, '../../.github/workflows/release.yml'), 'utf8');
  for (const name of AVAILABLE) assert.ok(workflow.includes(`name: ${name}`), `the release builds ${name}`);
  // Actions do not run inside of Alpine on arm64; systems that are no longer offered build nothing.
  assert.doesNotMatch(workflow, /container:|macos-1[34]/);
});

test('packed and installed elsewhere, it loads by import and by require', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'chat-engine-installed-'));
  const options = { cwd: folder, encoding: 'utf8' };
  const run = (program, ...args) => execFileSync(program, args, options);
  run(process.execPath, join(root, 'pack.mjs'), folder);
  const packed = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  assert.equal(packed.length, 2, `${packed}`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "dependencies": {} }');
  // The packages of other platforms are in no registry yet, so that only what was packed here is installed.
  npm(['install', '--silent', '--offline', '--omit=optional', '--no-audit', '--no-fund', ...packed.map((name) => `./${name}`)], options);
  const use = 'ChatEngine.open({ memory: true }).then(async (engine) => { await engine.close(); console.log("works"); })';
  assert.equal(run(process.execPath, '-e', `const { ChatEngine } = require('chat-engine'); ${use}`), 'works\n');
  const module = `import { ChatEngine } from 'chat-engine'; await ${use};`;
  assert.equal(run(process.execPath, '--input-type=module', '-e', module), 'works\n');
  for (const name of ['chat-engine', `@chat-engine/${triple()}`]) {
    for (const text of ['LICENSE-APACHE', 'LICENSE-MIT']) {
      assert.ok(existsSync(join(folder, 'node_modules', name, text)), `${name} has ${text}`);
    }
  }
  rmSync(folder, { recursive: true });
});

test('the addon asks for no newer glibc than the documentation says', { skip: triple().endsWith('-gnu') ? false : 'not glibc' }, () => {
  const addon = readFileSync(join(root, `chat-engine.${triple()}.node`), 'latin1');
  const versions = [...addon.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)]);
  assert.ok(versions.length > 0);
  const newest = versions.reduce((a, b) => (b[0] > a[0] || (b[0] === a[0] && b[1] > a[1]) ? b : a));
  assert.deepEqual(newest, GLIBC_FLOOR, 'GLIBC_FLOOR and docs/src/getting-started/node.md say another');
});
