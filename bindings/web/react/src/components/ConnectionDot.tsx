/** Whether what is shown is as the server has it, as a point of colour. */

import type { ConnectionState, RoomStatus } from "@chat-engine/client";
import { useTexts } from "./texts-context.js";

export interface ConnectionDotProps {
  readonly connection: ConnectionState;
  readonly status: RoomStatus;
}

export function ConnectionDot({ connection, status }: ConnectionDotProps) {
  const texts = useTexts();
  const live = connection.status === "open" && status === "live";
  const says = live ? texts.live : status === "stale" ? texts.reconnecting : texts.connecting;
  return <span className="ce-dot" data-live={live ? "" : undefined} role="img" aria-label={says} title={says} />;
}
