/** A network between clients and the server that can be cut, and can lose what the server says. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";

export class Network {
  readonly #net: NetServer;
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();
  #reachable = true;
  #deaf = false;
  #sockets: "pass" | "refuse" | "mute" = "pass";
  /** Sockets that opened and are mute. */
  muted = 0;

  private constructor(target: () => number) {
    this.#net = createServer((client) => {
      if (!this.#reachable) return client.destroy();
      const server = connect(target(), "127.0.0.1");
      client.setNoDelay();
      server.setNoDelay();
      const pair = { client, server };
      this.#pairs.add(pair);
      const end = () => {
        client.destroy();
        server.destroy();
        this.#pairs.delete(pair);
      };
      let mute = false;
      client.on("data", (bytes) => {
        const upgrades = this.#sockets !== "pass" && /^upgrade: *websocket\r$/im.test(bytes.toString("latin1"));
        if (upgrades && this.#sockets === "refuse") client.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        else if (!mute) server.write(bytes);
        mute ||= upgrades;
      });
      let opened = false;
      server.on("data", (bytes) => {
        if (this.#deaf || (mute && opened)) return;
        opened = mute;
        if (mute) this.muted += 1;
        client.write(bytes);
      });
      for (const socket of [client, server]) socket.on("close", end).on("error", end);
    });
  }

  static async before(server: { port: number }): Promise<Network> {
    const network = new Network(() => server.port);
    network.#net.listen(0, "127.0.0.1");
    await once(network.#net, "listening");
    return network;
  }

  get port(): number {
    return (this.#net.address() as AddressInfo).port;
  }

  /** Cuts every connection. New ones can be made. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Cuts every connection, and lets no new one through until `restore`. */
  unplug(): void {
    this.#reachable = false;
    this.cut();
  }

  restore(): void {
    this.#reachable = true;
    this.#deaf = false;
  }

  /** Lets no WebSocket open any more, as some companies' proxies do. Everything else passes. */
  blockSockets(): void {
    this.#sockets = "refuse";
    this.cut();
  }

  /** Lets WebSockets open, and passes nothing on that they say, as others do. */
  muteSockets(): void {
    this.#sockets = "mute";
    this.cut();
  }

  allowSockets(): void {
    this.#sockets = "pass";
  }

  /** From now on nothing that the server says arrives; what clients say still does. */
  loseAnswers(): void {
    this.#deaf = true;
  }

  /** Reads no more from the server: what it says piles up there. */
  clog(): void {
    for (const { server } of this.#pairs) server.pause();
  }

  unclog(): void {
    for (const { server } of this.#pairs) server.resume();
  }

  close(): void {
    this.unplug();
    this.#net.close();
  }
}
