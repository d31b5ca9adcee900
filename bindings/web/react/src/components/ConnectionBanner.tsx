/** That what is shown may be old, and why. Nothing while all is well. */

import type { ConnectionState, RoomStatus } from "@chat-engine/client";
import { useTexts } from "./texts-context.js";

export interface ConnectionBannerProps {
  readonly connection: ConnectionState;
  readonly status: RoomStatus;
}

export function ConnectionBanner({ connection, status }: ConnectionBannerProps) {
  const texts = useTexts();
  const closed = connection.status === "closed" && connection.reason !== "client";
  // A room that one comes back to is stale as well, with nothing to be reconnected.
  const wasThere = connection.status === "waiting" || (status === "stale" && connection.status !== "open");
  const says = closed ? texts.closed(connection.reason) : wasThere ? texts.reconnecting : undefined;
  return (
    <div className="ce-banner" role="status" data-shown={says ? "" : undefined} data-closed={closed ? "" : undefined}>
      {says && (
        <>
          {!closed && <span className="ce-spinner" aria-hidden="true" />}
          {says}
        </>
      )}
    </div>
  );
}
