/** Whether what is shown is as the server has it, as a point of colour and a word. */

import type { ConnectionState, RoomStatus } from "@chat-engine/client";
import { useTexts } from "./texts-context.js";

export interface ConnectionDotProps {
  readonly connection: ConnectionState;
  readonly status: RoomStatus;
}

export function ConnectionDot({ connection, status }: ConnectionDotProps) {
  const texts = useTexts();
  const live = connection.status === "open" && status === "live";
  const begins = connection.status !== "waiting" && connection.status !== "closed";
  return (
    <span className="ce-connection">
      <span className="ce-dot" data-live={live ? "" : undefined} aria-hidden="true" />
      {live ? texts.live : begins ? texts.connecting : texts.offline}
    </span>
  );
}
