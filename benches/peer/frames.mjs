// WebSocket text frames, made once for all who receive them.

/**
 * All of `texts` as frames, in one piece. A server's frames bear no mask, so they are the same for everybody. Each text
 * has less than 64 KiB: that is what a message of 16 KiB can become as JSON, and more.
 */
export function frames(texts) {
  const sizes = texts.map((text) => Buffer.byteLength(text));
  const out = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + headerSize(size) + size, 0));
  let at = 0;
  texts.forEach((text, n) => {
    const size = sizes[n];
    out[at] = 0x81;
    if (size < 126) {
      out[at + 1] = size;
    } else {
      out[at + 1] = 126;
      out.writeUInt16BE(size, at + 2);
    }
    at += headerSize(size);
    at += out.write(text, at);
  });
  return out;
}

function headerSize(size) {
  return size < 126 ? 2 : 4;
}
