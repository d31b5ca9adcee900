'use strict';

const { ChatError, warn } = require('./error.cjs');

/** A permission hook, as the addon asks it. */
function asking(permit) {
  if (typeof permit !== 'function') {
    throw new ChatError({ code: 'invalid_argument', message: '`permit` must be a function', details: { field: 'permit' } });
  }
  return (question) => void answer(permit, question);
}

/** Answers a question of the addon. What is no clear answer is none. */
async function answer(permit, question) {
  let allowed = null;
  let reason = 'the application says no';
  try {
    const verdict = await permit(JSON.parse(question.attempt()));
    const { deny } = Object(verdict);
    if (typeof verdict === 'boolean') allowed = verdict;
    else if (typeof deny === 'string') [allowed, reason] = [false, deny];
  } catch (thrown) {
    // Whoever threw has not said yes.
    warn(thrown);
  }
  question.answer(allowed, reason);
}

module.exports = { asking };
