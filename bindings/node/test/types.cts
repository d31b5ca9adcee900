// The same package by `require`.

import chat = require('../index.cjs');

const opened: Promise<chat.ChatEngine> = chat.ChatEngine.open({ memory: true });
void opened;
