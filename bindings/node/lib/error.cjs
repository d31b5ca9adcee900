'use strict';

// Errors as JavaScript catches them.

/** Why a call failed. `code` is stable; the message is for developers and never repeats what a user wrote. */
class ChatError extends Error {
  constructor({ code, message, retry = 'never', retry_after_ms = null, details = {} }, options) {
    super(message, options);
    this.code = code;
    this.retry = retry;
    this.retryAfterMs = retry_after_ms ?? undefined;
    this.details = details;
  }

  get name() {
    return 'ChatError';
  }

  /** Whether the same call can succeed later. */
  get retryable() {
    return this.retry === 'later';
  }
}

/** What the addon threw, as the user gets it; the stack is the caller's. */
function chatError(thrown) {
  let said;
  try {
    said = JSON.parse(thrown.message);
  } catch {
    return thrown;
  }
  return new ChatError(said);
}

/** Says what a hook threw, as a warning of the process: whoever waits for the hook hears only that it gave no answer. */
function warn(thrown) {
  process.emitWarning(thrown instanceof Error ? thrown : new Error('a hook of the chat engine failed', { cause: thrown }));
}

/** Calls the addon; what it throws becomes a `ChatError`. */
function direct(call) {
  try {
    return call();
  } catch (thrown) {
    throw chatError(thrown);
  }
}

/** What the addon promises; what it rejects with becomes a `ChatError`. */
async function settled(promise) {
  try {
    return await promise;
  } catch (thrown) {
    throw chatError(thrown);
  }
}

/** Arguments as the addon takes them. */
function args(list) {
  let none;
  const said = function (field, value) {
    // JSON makes null of a date or a number that is none, and in a field that has a meaning: no mute, the whole past.
    const is = value === null ? this[field] === null : typeof value !== 'number' || Number.isFinite(value);
    // Of the arguments themselves the addon says which one is missing.
    if (!is && this !== list) none ??= list.includes(this) ? { field } : {};
    return value;
  };
  let json;
  try {
    json = JSON.stringify(list, said);
  } catch {
    // A BigInt, or an object that contains itself.
    throw new ChatError({ code: 'invalid_argument', message: 'an argument cannot be said in JSON' });
  }
  if (none) {
    const message = `${none.field ? `\`${none.field}\`` : 'a value'} must not be NaN, infinite or an invalid Date`;
    throw new ChatError({ code: 'invalid_argument', message, details: none });
  }
  return json;
}

/** Calls a method of the addon that promises JSON. A last argument with a `signal` is how, not what. */
async function call(target, method, list) {
  const last = list.at(-1);
  const signal = last?.signal instanceof AbortSignal ? last.signal : undefined;
  signal?.throwIfAborted();
  const answer = direct(() => target[method](args(signal ? list.slice(0, -1) : list)));
  const text = await (signal ? Promise.race([answer, aborted(signal, answer)]) : answer).catch((thrown) => {
    throw thrown === signal?.reason ? thrown : chatError(thrown);
  });
  return JSON.parse(text) ?? undefined;
}

/** Rejects when the signal does, and lets go of it when the call is over. */
function aborted(signal, call) {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const over = () => signal.removeEventListener('abort', abort);
    call.then(over, over);
  });
}

module.exports = { ChatError, args, call, direct, settled, warn };
