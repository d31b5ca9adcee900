/** A room in front of a real server, as an application shows it; the address says whose it is. */

import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { ChatRoom, ChatRoomList } from "../../../src/components/index.js";
import { WebSocketProvider } from "../../../src/index.js";

declare global {
  interface Window {
    /** Shows a room by its key, or none. */
    show: (room: string | undefined) => void;
  }
}

const query = new URLSearchParams(location.search);
const given = (name: string) => query.get(name) ?? "";

function Page() {
  const [room, show] = useState(query.get("room") ?? undefined);
  window.show = show;
  return (
    <div className="page-live" data-list={query.has("list") ? "" : undefined}>
      {query.has("list") && (
        <ChatRoomList onSelect={({ key }) => show(key ?? undefined)} selected={given("selected")} />
      )}
      {room && <ChatRoom roomId={room} />}
    </div>
  );
}

const page = document.getElementById("page");
if (!page) throw new Error("the page is another");
createRoot(page).render(
  <StrictMode>
    <WebSocketProvider url={given("url")} token={given("token")} backoff={{ base: 20, cap: 200 }}>
      <Page />
    </WebSocketProvider>
  </StrictMode>,
);
