'use strict';

const { args, call, direct, settled } = require('./error.cjs');
const { Connection } = require('./connection.cjs');
const { Permit } = require('./permit.cjs');
const { Server } = require('./server.cjs');
const { Session } = require('./session.cjs');
const { load } = require('./load.cjs');

const native = load();
Session.learn(native.Session);

/** A running chat engine. */
class ChatEngine {
  #native;
  #permit;
  #servers = new Set();

  constructor(engine, permit) {
    if (!(engine instanceof native.ChatEngine)) throw new TypeError('use ChatEngine.open()');
    this.#native = engine;
    this.#permit = permit;
  }

  static async open({ permit: hook, ...options } = {}) {
    const permit = hook === undefined ? undefined : new Permit(hook);
    const ask = permit && ((question) => void permit.answer(question));
    return new ChatEngine(await settled(direct(() => native.ChatEngine.open(args([options]), ask))), permit);
  }

  session(user) {
    return new Session(direct(() => this.#native.session(args([user]))));
  }

  host() {
    return new Session(this.#native.host());
  }

  connection(user, options) {
    return new Connection(this.#native, user, options);
  }

  async serve(options = {}) {
    const server = await Server.start(this.#native, options);
    this.#servers.add(server);
    server.closed.then(() => this.#servers.delete(server));
    return server;
  }

  async suspend() {
    await call(this.#native, 'suspend', []);
  }

  async resume() {
    await call(this.#native, 'resume', []);
  }

  async close() {
    await Promise.all([...this.#servers].map((server) => server.close()));
    await call(this.#native, 'close', []);
    this.#permit?.release();
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close();
  }
}

module.exports = { ChatEngine };
