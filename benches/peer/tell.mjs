// How what was stored in a turn is told: two ways, of which the one is the best that Node allows, and the other what one
// writes with what `ws` offers. Whoever does not keep up is cut; they find on a page what they missed.

import { frames } from './frames.mjs';

/** What may wait for a socket, in bytes. */
const PENDING_BYTES = 1024 * 1024;

/** Past `ws`, which makes a header for each socket: framed once for all, and one write of the same bytes to each. */
export function shared(seats, texts) {
  const bytes = frames(texts);
  for (const { socket } of seats) {
    if (socket.writableLength > PENDING_BYTES) socket.destroy();
    else socket.write(bytes);
  }
}

/** Each text to each by `ws`, encoded once; all that goes to a socket leaves it in one write. */
export function corked(seats, texts) {
  const encoded = texts.map((text) => Buffer.from(text));
  for (const { ws, socket } of seats) {
    if (ws.bufferedAmount > PENDING_BYTES) {
      ws.terminate();
      continue;
    }
    socket.cork();
    for (const text of encoded) ws.send(text, { binary: false });
    socket.uncork();
  }
}
