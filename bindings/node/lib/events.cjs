'use strict';

const { call, direct } = require('./error.cjs');
const { Pull } = require('./pull.cjs');

/** One subscriber's events, and the rooms that feed them. */
class Events {
  #pull;
  #options;

  constructor(session, options = {}) {
    this.#options = options;
    this.#pull = new Pull((wake) => direct(() => session.events(wake)));
  }

  /** Opens rooms, each from a cursor or from scratch; what is returned comes before any event of those rooms. */
  subscribe(rooms, ...options) {
    const list = [rooms].flat().map((room) => (typeof room === 'string' ? { room } : room));
    return call(this.#pull.native, 'subscribe', [list, ...options]);
  }

  /** Closes a room, by its id. */
  unsubscribe(room, ...options) {
    return call(this.#pull.native, 'unsubscribe', [room, ...options]);
  }

  /** Ends it and closes its rooms. */
  close() {
    this.#pull.end();
  }

  async *[Symbol.asyncIterator]() {
    const { rooms, signal } = this.#options;
    if (rooms) await this.subscribe(rooms);
    for await (const text of this.#pull.items(signal)) yield JSON.parse(text);
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.close();
  }
}

module.exports = { Events };
