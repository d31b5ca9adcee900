'use strict';

const { ChatError, args, direct, settled, warn } = require('./error.cjs');

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
    // Anything else would be passed over by `then`, and the token be taken for the user.
    if (authenticate !== undefined && typeof authenticate !== 'function') {
      const details = { field: 'authenticate' };
      throw new ChatError({ code: 'invalid_argument', message: '`authenticate` must be a function', details });
    }
    const ask = authenticate && (async (question, token) => {
      let [login, failed] = [{}, false];
      try {
        const said = await authenticate(token);
        const { user, name, avatar } = typeof said === 'string' ? { user: said } : Object(said);
        login = { user: text(user), name: text(name), avatar: text(avatar) };
      } catch (thrown) {
        failed = true;
        warn(thrown);
      }
      // It listens a moment before this is known; and where it does not, nobody waits for the answer.
      const server = await started.catch(() => undefined);
      server?.answer(question, login.user, login.name, login.avatar, failed);
    });
    const options = { port, host, jwt_secret: jwtSecret, allow_origin: allowOrigin };
    const started = settled(direct(() => engine.serve(args([options]), ask)));
    return new Server(await started, host);
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

/** What is no text says nothing. */
function text(value) {
  return typeof value === 'string' ? value : undefined;
}

module.exports = { Server };
