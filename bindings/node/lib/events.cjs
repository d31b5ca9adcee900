'use strict';

const { ChatError, call, direct } = require('./error.cjs');
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

  /** Closes a room, by its id or key. One that is not there is not open. */
  unsubscribe(room, ...options) {
    return call(this.#pull.native, 'unsubscribe', [room, ...options]);
  }

  /** Ends it and closes its rooms. */
  close() {
    this.#pull.end();
  }

  /** Opens rooms of whose answers nobody hears: what an answer alone could say, an error must. */
  async #open(rooms) {
    const places = [rooms].flat();
    if (places.some((room) => typeof room !== 'string')) {
      const message = '`rooms` must be ids or keys; with a cursor `subscribe` opens a room and says what was missed';
      throw new ChatError({ code: 'invalid_argument', message, details: { field: 'rooms' } });
    }
    const opened = await this.subscribe(places);
    if (opened.some(({ gone }) => gone)) throw new ChatError({ code: 'not_found', message: 'room not found' });
  }

  [Symbol.asyncIterator]() {
    const { rooms, signal } = this.#options;
    const before = rooms && (() => this.#open(rooms));
    // One generator and no other around it: each takes a turn of the loop's queue for every event.
    return this.#pull.items({ signal, before, read: JSON.parse });
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.close();
  }
}

module.exports = { Events };
