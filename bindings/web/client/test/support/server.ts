/** The real server, as a process on a free port. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SECRET, service } from "./token.js";

const BINARY = process.env.CHAT_SERVER ?? join(import.meta.dirname, "../../../../../target/debug/chat-server");

export interface Settings {
  db?: string;
  /** Settings of the server as environment variables. */
  env?: Record<string, string>;
}

export class Server {
  readonly #settings: Settings;
  #process: ChildProcess | undefined;
  #port = 0;

  private constructor(settings: Settings) {
    this.#settings = settings;
  }

  static async start(settings: Settings = {}): Promise<Server> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: run \`cargo build -p chat-server\``);
    const server = new Server(settings);
    await server.start();
    return server;
  }

  get port(): number {
    return this.#port;
  }

  /** Starts it, again on the port that it had. */
  async start(): Promise<void> {
    const { db = "memory:", env } = this.#settings;
    const child = spawn(BINARY, ["--db", db, "--listen", `127.0.0.1:${this.#port}`, "--log", "error"], {
      env: { ...process.env, CHAT_JWT_SECRET: SECRET, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = child;
    let said = "";
    for await (const chunk of child.stdout) {
      said += chunk;
      const port = /:(\d+)\n/.exec(said)?.[1];
      if (!port) continue;
      this.#port = Number(port);
      return;
    }
    throw new Error(`chat-server ended before it was ready: ${said}`);
  }

  /** Kills it, as a power cut does. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** What the host's back end does over HTTP. */
  async host(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/api/${path}`, {
      method,
      headers: { authorization: `Bearer ${service()}`, "content-type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  /** A room with a key and its people. */
  async room(key: string, ...participants: string[]): Promise<string> {
    const room = await this.host("POST", "chatrooms/", { key, participants });
    return room.id as string;
  }
}
