/** The real program, as a process on a free port. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BINARY = process.env.JOB_CHAT ?? fileURLToPath(new URL("../../../../../target/debug/job-chat", import.meta.url));
const PAGE = fileURLToPath(new URL("../../dist", import.meta.url));

export class Server {
  readonly #data: string;
  readonly #more: readonly string[];
  #process: ChildProcess | undefined;
  #port = 0;

  private constructor(data: string, more: readonly string[]) {
    this.#data = data;
    this.#more = more;
  }

  /** On fresh files; `more` are options of the program. */
  static async start(...more: string[]): Promise<Server> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: run \`cargo build -p job-chat\``);
    if (!existsSync(PAGE)) throw new Error("the page is not built: run `npm run build`");
    const server = new Server(await mkdtemp(join(tmpdir(), "job-chat-")), more);
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it on the files and the port that it had. */
  async start(): Promise<void> {
    const where = ["--listen", `127.0.0.1:${this.#port}`, "--data", this.#data, "--web", PAGE];
    const child = spawn(BINARY, [...where, ...this.#more], { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = child;
    let said = "";
    for await (const chunk of child.stdout) {
      said += chunk;
      const port = /:(\d+)\n/.exec(said)?.[1];
      if (!port) continue;
      this.#port = Number(port);
      return;
    }
    throw new Error(`job-chat ended before it was ready: ${said}`);
  }

  /** Kills it, as a power cut does. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Kills it for good, and removes its files. */
  async end(): Promise<void> {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
  }
}
