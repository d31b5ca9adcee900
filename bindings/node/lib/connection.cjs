'use strict';

const { args, direct } = require('./error.cjs');
const { Pull } = require('./pull.cjs');

/** A user's connection over a socket of your own. */
class Connection {
  #pull;

  constructor(engine, user, { room, ...profile } = {}) {
    this.#pull = new Pull((wake) => direct(() => engine.connection(args([user, room, profile]), wake)));
  }

  /** Takes a frame from the peer: a string, or a Buffer and whether it is binary, as `ws` gives them. */
  receive(frame, isBinary = false) {
    if (isBinary) this.#pull.native.receiveBinary(frame.byteLength ?? 0);
    else this.#pull.native.receive(typeof frame === 'string' ? frame : String(frame));
  }

  /** The frames to send, pulled: while a slow socket takes one, no others are made. */
  frames() {
    return this.#pull.items();
  }

  /** The code to close the socket with, once `frames()` has ended; `undefined` if the peer went. */
  get closeCode() {
    return this.#pull.native.closeCode() ?? undefined;
  }

  /** The peer is gone. */
  close() {
    this.#pull.end();
  }
}

module.exports = { Connection };
