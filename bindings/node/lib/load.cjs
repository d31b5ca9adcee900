'use strict';

// Finds the addon for this machine: built here, or from the package of its platform.

/**
 * The platforms that packages are made for, and where each has its addon: built here, or in its package. Every place is
 * said in full, so that whatever follows files from one to the next, a tracer or a bundler, finds them.
 */
const PLACES = {
  'linux-x64-gnu': [() => require('../chat-engine.linux-x64-gnu.node'), () => require('@chat-engine/linux-x64-gnu')],
  'linux-x64-musl': [() => require('../chat-engine.linux-x64-musl.node'), () => require('@chat-engine/linux-x64-musl')],
  'linux-arm64-gnu': [() => require('../chat-engine.linux-arm64-gnu.node'), () => require('@chat-engine/linux-arm64-gnu')],
  'linux-arm64-musl': [() => require('../chat-engine.linux-arm64-musl.node'), () => require('@chat-engine/linux-arm64-musl')],
  'darwin-x64': [() => require('../chat-engine.darwin-x64.node'), () => require('@chat-engine/darwin-x64')],
  'darwin-arm64': [() => require('../chat-engine.darwin-arm64.node'), () => require('@chat-engine/darwin-arm64')],
  'win32-x64-msvc': [() => require('../chat-engine.win32-x64-msvc.node'), () => require('@chat-engine/win32-x64-msvc')],
};

const AVAILABLE = Object.keys(PLACES);

/** What this machine is called among them. */
function triple(platform = process.platform, arch = process.arch, libc = libcOf()) {
  if (platform === 'linux') return `linux-${arch}-${libc}`;
  if (platform === 'win32') return `win32-${arch}-msvc`;
  return `${platform}-${arch}`;
}

function libcOf() {
  if (process.platform !== 'linux') return '';
  return process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
}

/** Loads the addon; an error names the platform, what there is for it, and why it did not load. */
function load(name = triple(), places = PLACES[name] ?? []) {
  for (const place of places) {
    try {
      return place();
    } catch (error) {
      // A file that is there and does not load is the news; that another is missing is not.
      if (error.code !== 'MODULE_NOT_FOUND') throw unloadable(name, error);
    }
  }
  const known = AVAILABLE.includes(name)
    ? `Its package @chat-engine/${name} is not installed: was it left out by --omit=optional, or by a lockfile from ` +
      'another platform? Or was your program bundled? Then mark chat-engine as external.'
    : `There are binaries for: ${AVAILABLE.join(', ')}.`;
  throw new Error(`chat-engine has no binary for ${name}. ${known}`);
}

function unloadable(name, cause) {
  return new Error(`chat-engine: the binary for ${name} is there and does not load: ${cause.message}`, { cause });
}

module.exports = { AVAILABLE, load, triple };
