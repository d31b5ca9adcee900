'use strict';

const { ChatError, warn } = require('./error.cjs');

/** A permission hook, as the addon asks it; it is let go of when its engine closes. */
class Permit {
  #permit;

  constructor(permit) {
    if (typeof permit !== 'function') {
      throw new ChatError({ code: 'invalid_argument', message: '`permit` must be a function', details: { field: 'permit' } });
    }
    this.#permit = permit;
  }

  /** Answers a question of the addon. What is no clear answer is none. */
  async answer(question) {
    let allowed = null;
    let reason = 'the application says no';
    try {
      const verdict = await this.#permit(JSON.parse(question.attempt()));
      const { deny } = Object(verdict);
      if (typeof verdict === 'boolean') allowed = verdict;
      else if (typeof deny === 'string') [allowed, reason] = [false, deny];
    } catch (thrown) {
      // Whoever threw has not said yes.
      warn(thrown);
    }
    question.answer(allowed, reason);
  }

  /** Lets go of the hook, and of all that it holds. */
  release() {
    this.#permit = undefined;
  }
}

module.exports = { Permit };
