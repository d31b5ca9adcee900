import { ChatError } from "@chat-engine/client";
import { indexedDbOutbox } from "@chat-engine/client/outbox-indexeddb";
import { WebSocketProvider } from "@chat-engine/react";
import { type ReactNode, useCallback, useState } from "react";
import { ApiError, api, type Person } from "../api.js";
import { useAuth } from "../auth/AuthProvider.js";

/** The chat's socket: on the same host and port as everything else. */
const url = `${location.origin.replace(/^http/, "ws")}/chat/ws/`;

/** One connection for everything below it. What is written stays in IndexedDB until it is sent. */
export function ChatConnection({ me, children }: { me: Person; children: ReactNode }) {
  const { sessionEnded } = useAuth();
  const [outbox] = useState(() => indexedDbOutbox(`job-chat:${me.id}`));
  const token = useCallback(async () => {
    const given = await api.chatToken().catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    });
    if (given?.user === me.id) return given.token;
    sessionEnded();
    throw new ChatError("no_token", "nobody is logged in here any more, or somebody else is", "never");
  }, [sessionEnded, me.id]);
  return (
    <WebSocketProvider url={url} token={token} userKey={me.id} outbox={outbox}>
      {children}
    </WebSocketProvider>
  );
}
