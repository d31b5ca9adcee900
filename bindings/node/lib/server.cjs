'use strict';

const { args, direct, settled } = require('./error.cjs');

/** A server that serves from inside the process, and keeps it alive until it is closed. */
class Server {
  #native;
  #host;

  constructor(native, host) {
    this.#native = native;
    this.#host = host;
    this.closed = native.stopped().then(() => {});
  }

  /** Starts one; `authenticate` is the login hook. */
  static async start(engine, { port = 0, host = '127.0.0.1', jwtSecret, authenticate, allowOrigin = [] }) {
    let server;
    const ask = authenticate && ((question, token) => {
      Promise.resolve(token)
        .then(authenticate)
        .then(
          (user) => server.#native.answer(question, typeof user === 'string' ? user : null, false),
          () => server.#native.answer(question, null, true),
        );
    });
    const options = { port, host, jwt_secret: jwtSecret, allow_origin: allowOrigin };
    const native = await settled(direct(() => engine.serve(args([options]), ask)));
    server = new Server(native, host);
    return server;
  }

  get port() {
    return this.#native.port();
  }

  get url() {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.port}`;
  }

  /** Stops listening, tells every socket when to come back, finishes requests. */
  async close() {
    this.#native.close();
    await this.closed;
  }
}

module.exports = { Server };
