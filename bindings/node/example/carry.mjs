// The chat over a socket of the back end's own: the same whichever framework has opened it.

/** Joins a connection with its socket; the next frame is asked for when this one is on its way. */
export async function carry(connection, socket) {
  socket.on('message', (frame, isBinary) => connection.receive(frame, isBinary));
  socket.on('close', () => connection.close());
  socket.on('error', () => connection.close());
  // A socket that closed before somebody listened says so no more.
  if (socket.readyState > socket.OPEN) return connection.close();
  for await (const frame of connection.frames()) {
    const failed = await new Promise((sent) => socket.send(frame, sent));
    // Leaving the loop closes the connection: who cannot be told anything is gone.
    if (failed) break;
  }
  socket.close(connection.closeCode);
}
