/** Components below a provider, in front of the real server. */

import { cleanup, configure, type RenderResult, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, type MockInstance, vi } from "vitest";
import WebSocket from "ws";
import { token } from "../../../../client/test/support/token.js";
import { type OwnClient, WebSocketProvider } from "../../../src/index.js";

/** Every socket that was made. */
export const sockets: WebSocket[] = [];

class Counted extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    sockets.push(this);
  }
}

/** The sockets that are open or will be. */
export const openSockets = () => sockets.filter(({ readyState }) => readyState < WebSocket.CLOSING);

/** What a provider needs for a user. */
export function as(user: string, server: { port: number }): Omit<OwnClient, "client"> {
  return {
    url: `ws://127.0.0.1:${server.port}/ws/`,
    token: () => token(user),
    userKey: user,
    backoff: { base: 20, cap: 200 },
    environment: { WebSocket: Counted },
  };
}

/** Renders below a provider of a user's. */
export function show(user: string, server: { port: number }, what: ReactNode, reactStrictMode = false): RenderResult {
  return render(<WebSocketProvider {...as(user, server)}>{what}</WebSocketProvider>, { reactStrictMode });
}

/** What a component got from a hook, each time that it was drawn. */
export function probe<T>(hook: () => T): { probe: ReactNode; drawn: T[]; latest: () => T } {
  const drawn: T[] = [];
  return { probe: <Probe use={hook} drawn={drawn} />, drawn, latest: () => drawn.at(-1) as T };
}

function Probe<T>({ use, drawn }: { use: () => T; drawn: T[] }): null {
  drawn.push(use());
  return null;
}

/** When waiting gives up. */
const PATIENCE_MS = 60_000;
configure({ asyncUtilTimeout: PATIENCE_MS });

/** Waits until something holds. */
export const soon = (holds: () => void): Promise<void> => vi.waitFor(holds, { timeout: PATIENCE_MS, interval: 5 });

/** Waits until something holds while somebody types, key after key: what is told once ends by itself, seen or not. */
export function typed(key: () => void, holds: () => void): Promise<void> {
  return soon(() => {
    key();
    holds();
  });
}

/** Takes down what was rendered after each test, and fails one in which React complained. */
export function tidy(): void {
  let complaints: MockInstance<typeof console.error>;
  beforeEach(() => {
    complaints = vi.spyOn(console, "error");
  });
  afterEach(() => {
    cleanup();
    const said = complaints.mock.calls;
    complaints.mockRestore();
    expect(said).toEqual([]);
  });
}
