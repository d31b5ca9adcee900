'use strict';

const { args, call, direct, settled } = require('./error.cjs');
const { Connection } = require('./connection.cjs');
const { asking } = require('./permit.cjs');
const { Server } = require('./server.cjs');
const { Session } = require('./session.cjs');
const { load } = require('./load.cjs');

const native = load();
Session.learn(native.Session);

/** A running chat engine. */
class ChatEngine {
  #native;
  /** Those that serve or are starting. */
  #servers = new Set();
  #closing;

  constructor(engine) {
    if (!(engine instanceof native.ChatEngine)) throw new TypeError('use ChatEngine.open()');
    this.#native = engine;
  }

  static async open({ permit, ...options } = {}) {
    const ask = permit === undefined ? undefined : asking(permit);
    return new ChatEngine(await settled(direct(() => native.ChatEngine.open(args([options]), ask))));
  }

  session(user, profile = {}) {
    return new Session(direct(() => this.#native.session(args([user, profile]))));
  }

  host() {
    return new Session(this.#native.host());
  }

  connection(user, options) {
    return new Connection(this.#native, user, options);
  }

  async serve(options = {}) {
    // Of an engine that is closed the addon says so.
    if (this.#closing) await this.#closing.catch(() => {});
    const starting = Server.start(this.#native, options);
    this.#servers.add(starting);
    const over = () => this.#servers.delete(starting);
    try {
      const server = await starting;
      server.closed.then(over);
      return server;
    } catch (error) {
      over();
      throw error;
    }
  }

  async suspend() {
    await call(this.#native, 'suspend', []);
  }

  async resume() {
    await call(this.#native, 'resume', []);
  }

  close() {
    this.#closing = this.#close();
    return this.#closing;
  }

  async #close() {
    // One that fails to start is not there to be closed.
    await Promise.all([...this.#servers].map((starting) => starting.then((server) => server.close(), () => {})));
    await call(this.#native, 'close', []);
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }
}

module.exports = { ChatEngine };
