/** The token that says who is connected: asked for when it is needed, kept while it is good, replaced before it ends. */

import { ChatError } from "./errors.js";

/**
 * Where tokens come from: usually your own back end. It is asked again when a token is about to end. A `ChatError` with
 * `retry: "never"` says that there will be none, and closes the client; any other failure is tried again.
 */
export type TokenProvider = string | (() => string | Promise<string>);

/** See the module. */
export class Tokens {
  readonly #provider: TokenProvider;
  #kept: { token: string; until: number } | undefined;

  constructor(provider: TokenProvider) {
    this.#provider = provider;
  }

  /** A token that is good for a while, and whether it was made just now. */
  async get(): Promise<{ token: string; fresh: boolean }> {
    if (this.#kept && Date.now() < this.#kept.until) return { token: this.#kept.token, fresh: false };
    let token: string;
    try {
      token = typeof this.#provider === "string" ? this.#provider : await this.#provider();
    } catch (error) {
      if (error instanceof ChatError) throw error;
      throw new ChatError("no_token", "the token provider failed", "later");
    }
    this.#kept = { token, until: Date.now() + goodFor(token) };
    return { token, fresh: true };
  }

  /** In how many milliseconds the kept token should be replaced. */
  get replaceIn(): number {
    return this.#kept ? Math.max(0, this.#kept.until - Date.now()) : Number.POSITIVE_INFINITY;
  }

  /** The kept token is no good. */
  forget(): void {
    this.#kept = undefined;
  }
}

/** How long before its end a token is replaced, at most. */
const EARLY_MS = 30_000;

/** How long a token is used at least that does not say when it was made. */
const UNDATED_MS = 60_000;

/** For how many milliseconds a token that was made just now can be used. A token without a legible end is kept. */
function goodFor(token: string): number {
  try {
    const body = token.split(".")[1] ?? "";
    const { exp, iat } = JSON.parse(atob(body.replace(/-/g, "+").replace(/_/g, "/"))) as { exp?: number; iat?: number };
    if (!exp) return Number.POSITIVE_INFINITY;
    // The two clocks of the token agree with each other; this device's may not, and then takes a new one for an old one.
    const life = exp * 1000 - (iat ? iat * 1000 : Date.now());
    return Math.max(iat ? 1_000 : UNDATED_MS, life - Math.min(EARLY_MS, life / 2));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
