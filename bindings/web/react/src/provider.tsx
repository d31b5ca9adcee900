/** The provider: one client for everything below it. */

import { ChatClient, type ChatOptions, type TokenProvider } from "@chat-engine/client";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { Hub } from "./hub.js";

interface Common {
  children?: ReactNode;
  /** What stands before a job's number in its room's key. Default `job:`. */
  roomPrefix?: string;
}

/** A client that the provider makes, connects while it is mounted, and closes after that. */
export interface OwnClient extends Common, ChatOptions {
  /**
   * Who is logged in. Another one gets another client, as does another `url`. Give it where users change while the
   * provider stays mounted: a new `token` alone is taken for a new token of the same user.
   */
  userKey?: string | number;
  client?: undefined;
}

/** A client that is yours: you connect and close it. */
export interface GivenClient extends Common {
  client: ChatClient;
}

/** What a provider takes. All other options of the client count when it is made. */
export type WebSocketProviderProps = OwnClient | GivenClient;

const HubContext = createContext<Hub | null>(null);

/**
 * Gives everything below it one connection.
 *
 * @example
 * ```tsx
 * <WebSocketProvider url="wss://chat.example.com/ws/" token={fetchToken} userKey={user.id}>
 *   <App />
 * </WebSocketProvider>
 * ```
 */
export function WebSocketProvider(props: WebSocketProviderProps): ReactNode {
  const { children, roomPrefix = "job:" } = props;
  const source = props.client ?? JSON.stringify([props.url, props.userKey]);
  const [kept, setKept] = useState(() => new Session(source, roomPrefix, props));
  let session = kept;
  if (!session.isFor(source, roomPrefix)) {
    session = new Session(source, roomPrefix, props);
    setKept(session);
  }

  // A token provider is usually written in place, and another function each time.
  const token = props.client ? undefined : props.token;
  useEffect(() => {
    if (token === undefined) return;
    session.token = token;
    // It may have closed for want of a good one. A function says nothing about when it has another.
    if (typeof token === "string") session.hub.client.connect();
  }, [session, token]);
  useEffect(() => session.hold(), [session]);

  return <HubContext.Provider value={session.hub}>{children}</HubContext.Provider>;
}

/** What is shared by everything below the provider. */
export function useHub(): Hub {
  const hub = useContext(HubContext);
  if (!hub) throw new Error("chat hooks and components work below a <WebSocketProvider>; put one around your app");
  return hub;
}

/** A client for as long as it is the one that is wanted. To make one opens nothing: that is for `hold`. */
class Session {
  readonly hub: Hub;
  token: TokenProvider = "";
  readonly #source: ChatClient | string;
  readonly #prefix: string;
  readonly #isOwn: boolean;
  #ending: ReturnType<typeof setTimeout> | undefined;

  constructor(source: ChatClient | string, prefix: string, props: WebSocketProviderProps) {
    this.#source = source;
    this.#prefix = prefix;
    this.#isOwn = props.client === undefined;
    this.hub = new Hub(props.client ?? this.#client(props), prefix);
  }

  isFor(source: ChatClient | string, prefix: string): boolean {
    return this.#source === source && this.#prefix === prefix;
  }

  /**
   * Connects, until the returned function is called. The end waits a moment: StrictMode and hidden trees take effects
   * back and make them again at once, and the connection is to live through that.
   */
  hold(): () => void {
    clearTimeout(this.#ending);
    if (this.#isOwn) this.hub.client.connect();
    return () => {
      this.#ending = setTimeout(() => {
        this.hub.end();
        if (this.#isOwn) this.hub.client.close();
      });
    };
  }

  #client({ children: _, roomPrefix: __, userKey: ___, client: ____, ...options }: OwnClient): ChatClient {
    this.token = options.token;
    const token = () => (typeof this.token === "string" ? this.token : this.token());
    return new ChatClient({ ...options, token });
  }
}
