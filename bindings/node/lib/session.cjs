'use strict';

const { call } = require('./error.cjs');
const { Events } = require('./events.cjs');

/** What one user, or the application itself, may do. */
class Session {
  #native;

  constructor(native) {
    this.#native = native;
  }

  /** A new subscriber. */
  events(options) {
    return new Events(this.#native, options);
  }

  /** Gives `Session` every method that the addon has. */
  static learn(native) {
    for (const name of Object.getOwnPropertyNames(native.prototype)) {
      if (name in Session.prototype) continue;
      Object.defineProperty(Session.prototype, name, {
        value: { [name](...list) { return call(this.#native, name, list); } }[name],
        configurable: true,
        writable: true,
      });
    }
  }
}

module.exports = { Session };
