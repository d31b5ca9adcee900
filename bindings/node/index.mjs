import engine from './index.cjs';

export const { ChatEngine, ChatError } = engine;
