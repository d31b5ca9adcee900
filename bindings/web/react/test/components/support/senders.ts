/** People who write without pause, as no hand could: over bare sockets, past the page, each at a steady pace. */

import { once } from "node:events";
import WebSocket from "ws";
import { token } from "../../../../client/test/support/token.js";

/** How often those who are due are sent. */
const TURN_MS = 10;

/** Has `users` send `rate` messages a second together for so long; returns how many the server has stored, and how fast. */
export async function write(
  port: number,
  room: string,
  users: readonly string[],
  rate: number,
  seconds: number,
): Promise<{ stored: number; rate: number }> {
  const senders = await Promise.all(users.map((user) => Sender.of(port, room, user)));
  const begun = performance.now();
  const total = rate * seconds;
  let sent = 0;
  await new Promise<void>((done) => {
    const turn = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * rate));
      for (; sent < due; sent += 1) senders[sent % senders.length]?.send(`Message ${sent + 1}`);
      if (sent < total) return;
      clearInterval(turn);
      done();
    }, TURN_MS);
  });
  await Promise.all(senders.map((sender) => sender.end()));
  return { stored: total, rate: total / ((performance.now() - begun) / 1_000) };
}

class Sender {
  readonly #socket: WebSocket;
  readonly #room: string;
  #sent = 0;
  #answered = 0;
  #ended: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;
  #error: Error | undefined;

  private constructor(socket: WebSocket, room: string) {
    this.#socket = socket;
    this.#room = room;
    socket.on("message", (data) => this.#hear(JSON.parse(String(data))));
    socket.on("error", (error) => this.#fail(error));
  }

  static async of(port: number, room: string, user: string): Promise<Sender> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/`, ["chat.v1", `bearer.${token(user)}`]);
    await once(socket, "message");
    return new Sender(socket, room);
  }

  send(content: string): void {
    this.#sent += 1;
    const ref = this.#sent;
    this.#socket.send(JSON.stringify({ action: "send_message", ref, room: this.#room, content, client_id: `w${ref}` }));
  }

  /** Waits until everything is stored. */
  async end(): Promise<void> {
    if (this.#error) throw this.#error;
    await new Promise<void>((ended, failed) => {
      [this.#ended, this.#failed] = [ended, failed];
      this.#look();
    });
    this.#socket.close();
  }

  #hear({ type, code }: { type: string; code?: string }): void {
    if (type === "error") this.#fail(new Error(`a message was refused: ${code}`));
    if (type !== "reply") return;
    this.#answered += 1;
    this.#look();
  }

  #look(): void {
    if (this.#answered === this.#sent) this.#ended?.();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#failed?.(error);
  }
}
