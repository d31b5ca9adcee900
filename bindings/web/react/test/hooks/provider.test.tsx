/** The provider: one connection while it is mounted, none before and after, whatever React does meanwhile. */

import { ChatClient } from "@chat-engine/client";
import { render } from "@testing-library/react";
import { StrictMode, useEffect, useState } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { beforeEach, expect, test, vi } from "vitest";
import { open, settled, stage } from "../../../client/test/support/stage.js";
import { token } from "../../../client/test/support/token.js";
import {
  ChatProvider,
  useChat,
  useChatRooms,
  useConnection,
  useReadBy,
  useUnreadTotal,
  useWebSocket,
  WebSocketProvider,
} from "../../src/index.js";
import { as, openSockets, probe, show, sockets, soon, tidy } from "./support/chat.js";

const s = stage();
tidy();
beforeEach(() => void sockets.splice(0));

const isOpen = ({ latest }: { latest: () => { status: string } }) => soon(() => expect(latest().status).toBe("open"));

test("StrictMode makes one connection, and unmounting leaves none", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const chat = probe(() => useChat(key));
  const { unmount } = show("ann", s.server, chat.probe, true);
  await soon(() => expect(chat.latest().isConnected).toBe(true));
  expect(sockets).toHaveLength(1);
  chat.latest().sendMessage("hello");
  await settled(ben, 1);
  unmount();
  await soon(() => expect(openSockets()).toEqual([]));
  expect(sockets).toHaveLength(1);
});

test("a room is followed while a component shows it", async () => {
  const key = await s.room("ann", "ben");
  const ben = await open(s.client("ben"), key);
  const chat = probe(() => useChat(key));
  const { rerender } = show("ann", s.server, chat.probe);
  await soon(() => expect(ben.getSnapshot().present).toContain("ann"));
  rerender(<WebSocketProvider {...as("ann", s.server)} />);
  await soon(() => expect(ben.getSnapshot().present).not.toContain("ann"));
  expect(openSockets()).toHaveLength(1);
});

test("another room in the same component is shown from its own beginning", async () => {
  const [one, two] = [await s.room("ann", "ben"), await s.room("ann", "ben")];
  const ben = s.client("ben");
  (await open(ben, one)).send("in one");
  (await open(ben, two)).send("in two");
  let go: (room: string) => void = () => {};
  const chat = probe(() => {
    const [room, setRoom] = useState(one);
    go = setRoom;
    return useChat(room);
  });
  show("ann", s.server, chat.probe);
  await soon(() => expect(chat.latest().messages).toMatchObject([{ content: "in one" }]));
  const shown = chat.drawn.length;
  go(two);
  await soon(() => expect(chat.latest().messages).toMatchObject([{ content: "in two" }]));
  expect(chat.drawn.slice(shown).flatMap(({ messages }) => messages.map(({ content }) => content))).not.toContain(
    "in one",
  );
});

test("another user or address gets another client, and the old one is closed", async () => {
  const connection = probe(useConnection);
  const room = await s.room("ann", "ben");
  const chat = probe(() => useChat(room));
  const both = [<i key="1">{connection.probe}</i>, <i key="2">{chat.probe}</i>];
  const { rerender } = show("ann", s.server, both);
  await soon(() => expect(chat.latest()).toMatchObject({ isConnected: true, me: "ann" }));
  chat.latest().sendMessage("mine");
  await soon(() => expect(chat.latest().messages).toMatchObject([{ seq: 1, isMine: true }]));
  rerender(<WebSocketProvider {...as("ben", s.server)}>{both}</WebSocketProvider>);
  // Nothing of the one user is shown to the other, not even for a moment.
  expect(chat.latest()).toMatchObject({ me: null, messages: [] });
  await soon(() => expect(chat.latest()).toMatchObject({ isConnected: true, me: "ben" }));
  expect(chat.latest().messages).toMatchObject([{ isMine: false }]);
  await soon(() => expect(openSockets()).toHaveLength(1));
  expect(sockets).toHaveLength(2);
  rerender(<WebSocketProvider {...as("ben", s.network)}>{both}</WebSocketProvider>);
  await soon(() => expect(sockets).toHaveLength(3));
  await isOpen(connection);
  await soon(() => expect(openSockets()).toEqual([sockets[2]]));
});

test("a token provider that is another function each time is asked as it is last, on the same connection", async () => {
  const asked: string[] = [];
  const from = (name: string) => () => {
    asked.push(name);
    // The first is so short that it is renewed within the test, though not before a slow machine is ready; no other is.
    return token("ann", asked.length === 1 ? 12 : 3_600);
  };
  const connection = probe(useConnection);
  const at = (name: string) => (
    <WebSocketProvider {...as("ann", s.server)} token={from(name)}>
      {connection.probe}
    </WebSocketProvider>
  );
  const { rerender } = render(at("first"));
  await soon(() => expect(asked).toEqual(["first"]));
  rerender(at("second"));
  await isOpen(connection);
  await soon(() => expect(asked).toEqual(["first", "second"]));
  expect(sockets).toHaveLength(1);
  expect(connection.latest().status).toBe("open");
});

test("a new token that is given as text opens what was closed for want of one", async () => {
  const connection = probe(useConnection);
  const at = (token: string) => (
    <WebSocketProvider {...as("ann", s.server)} token={token}>
      {connection.probe}
    </WebSocketProvider>
  );
  const { rerender } = render(at(token("ann", -60)));
  await soon(() => expect(connection.latest()).toMatchObject({ status: "closed", reason: "unauthorized" }));
  rerender(at(token("ann")));
  await isOpen(connection);
  expect(openSockets()).toHaveLength(1);
});

test("a client that was given is its owner's to connect and to close", async () => {
  const { url, token, environment } = as("ann", s.server);
  const client = new ChatClient({ url, token, environment });
  const key = await s.room("ann", "ben");
  const found = probe(() => useWebSocket());
  const { unmount } = render(<ChatProvider client={client}>{found.probe}</ChatProvider>);
  expect(found.latest().client).toBe(client);
  expect(sockets).toEqual([]);
  client.connect();
  found.latest().connectChatWebSocket(key);
  await soon(() => expect(client.room(key).getSnapshot().status).toBe("live"));
  unmount();
  // What was connected through the provider ends with it; the connection does not.
  await soon(() => expect(client.room(key).getSnapshot().status).toBe("stale"));
  expect(client.connection.getSnapshot().status).toBe("open");
  client.close();
});

test("the prefix of jobs' rooms is the host's own", async () => {
  await s.server.room("order-7", "ann", "ben");
  const chat = probe(() => useChat(7));
  render(
    <WebSocketProvider {...as("ann", s.server)} roomPrefix="order-">
      {chat.probe}
    </WebSocketProvider>,
  );
  await soon(() => expect(chat.latest()).toMatchObject({ isConnected: true, room: { key: "order-7" } }));
});

test("a hook without a provider says what is missing", () => {
  const chat = probe(() => useChat(42));
  expect(() => renderToString(chat.probe)).toThrow("put one around your app");
});

/** A page that uses all there is. */
function Page({ room }: { room: string }) {
  const { messages, status, me } = useChat(room);
  const { rooms } = useChatRooms();
  const total = useUnreadTotal();
  const { chatMessages, connectChatWebSocket } = useWebSocket();
  useEffect(() => connectChatWebSocket(room), [connectChatWebSocket, room]);
  const said = messages.map(({ key, content }) => <li key={key}>{content}</li>);
  const readers = useReadBy(room, messages[0]?.id ?? "").length;
  return (
    <main>
      <h1>{`${useConnection().status} ${status} ${me} ${rooms.length} ${total} ${readers}`}</h1>
      <ul>{said}</ul>
      <p>{chatMessages[room]?.length ?? "none"}</p>
    </main>
  );
}

test("a server renders the page without opening anything, and a browser takes it over as it is", async () => {
  const key = await s.room("dora", "ben");
  const ben = await open(s.client("ben"), key);
  ben.send("hello");
  await settled(ben, 1);
  const page = (
    <StrictMode>
      <WebSocketProvider {...as("dora", s.server)}>
        <Page room={key} />
      </WebSocketProvider>
    </StrictMode>
  );
  const html = renderToString(page);
  expect(html).toContain("idle idle null 0 0 0");
  expect(html).toBe(renderToString(page));
  expect(sockets).toEqual([]);

  const root = document.createElement("div");
  document.body.append(root);
  root.innerHTML = html;
  const heading = root.querySelector("h1");
  const onRecoverableError = vi.fn();
  const hydrated = hydrateRoot(root, page, { onRecoverableError });
  await soon(() => expect(root.textContent).toContain("open live dora 1 1 0hello1"));
  expect(root.querySelector("h1")).toBe(heading);
  expect(onRecoverableError).not.toHaveBeenCalled();
  expect(sockets).toHaveLength(1);
  hydrated.unmount();
  await soon(() => expect(openSockets()).toEqual([]));
  root.remove();
});

test("a page is taken over as it is by a client that knows more already", async () => {
  const { url, token, environment } = as("eve", s.server);
  const client = new ChatClient({ url, token, environment });
  client.connect();
  const key = await s.room("eve", "ben");
  const ben = await open(s.client("ben"), key);
  ben.send("hello");
  const stop = client.room(key).subscribe(() => {});
  await settled(client.room(key) as never, 1);
  const page = (
    <WebSocketProvider client={client}>
      <Page room={key} />
    </WebSocketProvider>
  );
  const html = renderToString(page);
  expect(html).toContain("idle idle null 0 0 0");
  const root = document.createElement("div");
  root.innerHTML = html;
  const onRecoverableError = vi.fn();
  const hydrated = hydrateRoot(root, page, { onRecoverableError });
  await soon(() => expect(root.textContent).toContain("open live eve 1 1 0hello1"));
  expect(onRecoverableError).not.toHaveBeenCalled();
  hydrated.unmount();
  stop();
  client.close();
});
