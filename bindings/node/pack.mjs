// Makes what is published: the package itself, which names one package for each platform as an optional dependency, and
// the packages of those platforms whose addon lies here. npm installs the one that fits by `os`, `cpu` and `libc`.
//
//   node pack.mjs OUT     writes OUT/chat-engine-VERSION.tgz and OUT/chat-engine-PLATFORM-VERSION.tgz

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const { AVAILABLE } = createRequire(import.meta.url)('./lib/load.cjs');
const here = dirname(fileURLToPath(import.meta.url));
const manifest = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const LICENSES = ['LICENSE-APACHE', 'LICENSE-MIT'];
const { version, description, license, engines } = manifest;

/** What npm says of a platform: `linux-x64-gnu` is `{ os: ['linux'], cpu: ['x64'], libc: ['glibc'] }`. */
export function platform(name) {
  const [os, cpu, abi] = name.split('-');
  const libc = { gnu: { libc: ['glibc'] }, musl: { libc: ['musl'] } }[abi] ?? {};
  return { os: [os], cpu: [cpu], ...libc };
}

/** The manifest of a platform's package. */
export function platformManifest(name) {
  const main = `chat-engine.${name}.node`;
  return { name: `@chat-engine/${name}`, version, description, license, engines, ...platform(name), main, files: [main, ...LICENSES] };
}

/** The manifest of the package itself, as it is published. */
export function publishedManifest() {
  const { private: _private, scripts: _scripts, devDependencies: _tools, ...kept } = manifest;
  const optionalDependencies = Object.fromEntries(AVAILABLE.map((name) => [`@chat-engine/${name}`, version]));
  return { ...kept, files: [...kept.files, ...LICENSES], optionalDependencies };
}

/** Runs npm, which is a script that needs a shell on Windows. */
export const npm = (args, options) => execFileSync('npm', args, { ...options, shell: process.platform === 'win32' });

/** Packs a folder that has `manifest`, `files` and the licences. */
function pack(manifest, files, out) {
  const folder = mkdtempSync(join(tmpdir(), 'chat-engine-pack-'));
  const licenses = LICENSES.map((name) => [join(here, '../..', name), name]);
  for (const [from, to] of [...files, ...licenses]) {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    copyFileSync(from, join(folder, to));
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  npm(['pack', '--silent', '--pack-destination', resolve(out)], { cwd: folder, stdio: 'inherit' });
  rmSync(folder, { recursive: true });
}

function main(out) {
  mkdirSync(out, { recursive: true });
  const own = JSON.parse(npm(['pack', '--dry-run', '--json', '--silent'], { cwd: here }));
  const files = own[0].files.map(({ path }) => path).filter((path) => path !== 'package.json');
  pack(publishedManifest(), files.map((path) => [join(here, path), path]), out);
  for (const name of AVAILABLE) {
    const addon = `chat-engine.${name}.node`;
    if (existsSync(join(here, addon))) pack(platformManifest(name), [[join(here, addon), addon]], out);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv[2]) throw new Error('say where to: node pack.mjs OUT');
  main(process.argv[2]);
}
