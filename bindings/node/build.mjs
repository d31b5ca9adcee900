// Builds the addon and puts it where the package looks for it. `node build.mjs --debug` builds without optimising.

import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { triple } = require('./lib/load.cjs');

const here = dirname(fileURLToPath(import.meta.url));
const debug = process.argv.includes('--debug');
const cargo = process.env.CARGO ?? 'cargo';

const args = ['build', '-p', 'chat-node', '--message-format', 'json-render-diagnostics'];
const said = execFileSync(cargo, debug ? args : [...args, '--profile', 'shipped'], {
  cwd: join(here, '..', '..'),
  encoding: 'utf8',
  maxBuffer: 1 << 28,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const built = said
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .find((message) => message.reason === 'compiler-artifact' && message.target.name === 'chat_node');
const library = built.filenames.find((file) => /\.(so|dylib|dll)$/.test(file));

// Put in place at once: a process that has the old one loaded keeps it.
const place = join(here, `chat-engine.${triple()}.node`);
copyFileSync(library, `${place}.new`);
renameSync(`${place}.new`, place);
console.log(place);
