/** What lies between a browser's sockets and the server, and can be unplugged; pages still load. */

import type { BrowserContext, WebSocketRoute } from "playwright-core";

export class Network {
  readonly #open = new Set<WebSocketRoute>();
  #plugged = true;

  /** Before the first page of the context opens a socket. */
  static async of(context: BrowserContext): Promise<Network> {
    const network = new Network();
    await context.routeWebSocket("**/chat/ws/", (socket) => {
      if (!network.#plugged) return void socket.close({ code: 1001 });
      network.#open.add(socket);
      socket.connectToServer();
    });
    return network;
  }

  async unplug(): Promise<void> {
    this.#plugged = false;
    await Promise.all([...this.#open].map((socket) => socket.close({ code: 1001 }).catch(() => {})));
    this.#open.clear();
  }

  plug(): void {
    this.#plugged = true;
  }
}
