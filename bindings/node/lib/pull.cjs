'use strict';

// A stream that is pulled from the addon: what is ready is taken at once, and nothing is taken that nobody asked for.

class Pull {
  // Who waits. Nobody else may hold them: the addon does not, so that what is forgotten is let go of.
  static #waiting = new Set();

  #native;
  #woken = resolvers();

  /** `start` is given what the addon calls when there is something to take again. */
  constructor(start) {
    const self = new WeakRef(this);
    this.#native = start(() => self.deref()?.#wake());
  }

  get native() {
    return this.#native;
  }

  #wake() {
    Pull.#waiting.delete(this);
    this.#woken.resolve();
    this.#woken = resolvers();
  }

  /** Everything that comes, until the end, as `read` makes it of its text. Waiting does not keep the process alive. */
  async *items({ signal, before, read = (text) => text } = {}) {
    const abort = () => this.end();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      signal?.throwIfAborted();
      try {
        await before?.();
      } catch (error) {
        // What was ended meanwhile fails, and the reason is the signal's.
        signal?.throwIfAborted();
        throw error;
      }
      for (;;) {
        signal?.throwIfAborted();
        const woken = this.#woken.promise;
        const texts = this.#native.take();
        if (texts === null) return;
        if (texts.length === 0) {
          Pull.#waiting.add(this);
          await woken;
        }
        for (const text of texts) {
          signal?.throwIfAborted();
          yield read(text);
        }
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.end();
    }
  }

  /** Ends it; whoever waits sees the end. */
  end() {
    this.#native.close();
    this.#wake();
  }
}

function resolvers() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

module.exports = { Pull };
