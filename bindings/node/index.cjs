'use strict';

const { ChatEngine } = require('./lib/engine.cjs');
const { ChatError } = require('./lib/error.cjs');

module.exports = { ChatEngine, ChatError };
