/** The components with the real server: what one writes, the other one sees. */

import { ChatClient, when } from "@chat-engine/client";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { useState } from "react";
import { expect, test } from "vitest";
import { open, settled, stage } from "../../../client/test/support/stage.js";
import { ChatRoom, ChatRoomList, german, UnreadBadge } from "../../src/components/index.js";
import { useUnreadTotal, WebSocketProvider } from "../../src/index.js";
import { as, show, soon, tidy, typed } from "./support/chat.js";

const s = stage();
tidy();

let jobs = 2_000;
/** A room of Ben and of somebody else. */
async function job(name: string, other = "ann"): Promise<number> {
  jobs += 1;
  const participants = [
    { user_id: other, name: "Somebody Else" },
    { user_id: "ben", name: "Ben Birch" },
    { user_id: "dan", name: "Dan Dale" },
  ];
  await s.server.host("POST", "chatrooms/", { key: `job:${jobs}`, name, participants });
  return jobs;
}

test("a room is drawn, written in, and read", async () => {
  const id = await job("Windows");
  const ben = await open(s.client("ben"), `job:${id}`);
  show("ann", s.server, <ChatRoom roomId={id} header={<h1>Job</h1>} empty={<p>Nobody said anything</p>} />, true);
  expect(screen.getByRole("status", { name: "Loading…" })).toBeTruthy();
  await screen.findByText("Nobody said anything");
  expect(screen.getByRole("heading", { name: "Job" })).toBeTruthy();
  expect(screen.getByRole("region", { name: "Windows" })).toBeTruthy();
  const field = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
  const text = "Are you <b>there</b>?";
  const write = (value: string) => fireEvent.change(field, { target: { value } });
  await typed(
    () => write(field.value === text ? `${text} ` : text),
    () => expect(ben.getSnapshot().typing).toEqual(["ann"]),
  );
  write(text);
  fireEvent.keyDown(field, { key: "Enter" });
  expect(field.value).toBe("");
  await soon(() => expect(ben.getSnapshot().messages.map(({ content }) => content)).toEqual([text]));
  await soon(() => expect(ben.getSnapshot().typing).toEqual([]));
  await typed(
    () => ben.type(),
    () => void screen.getByText("Ben Birch is typing…"),
  );
  ben.send("On my way");
  const log = await screen.findByRole("log");
  // A list that is drawn in parts needs a size; what is told to those who do not see does not.
  await soon(() => expect(screen.getByText("Ben Birch: On my way")).toBeTruthy());
  expect(within(log).queryByText("Ben Birch is typing…")).toBeNull();
  await soon(() => expect(screen.queryByText("Ben Birch is typing…")).toBeNull());
});

/** One of two rooms, and a button to the other one. */
function TwoRooms({ ids: [one, other] }: { ids: [number, number] }) {
  const [id, go] = useState(one);
  return (
    <>
      <button type="button" onClick={() => go(id === one ? other : one)}>
        Go
      </button>
      <ChatRoom roomId={id} texts={german} />
    </>
  );
}

const Total = () => <UnreadBadge count={useUnreadTotal()} max={1} />;

test("a room that is left and entered again has what was begun there", async () => {
  const [one, other] = [await job("One"), await job("Other")];
  show("ann", s.server, <TwoRooms ids={[one, other]} />);
  const field = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Nachricht" });
  await screen.findByText("Noch keine Nachrichten");
  fireEvent.change(field(), { target: { value: "begun" } });
  fireEvent.click(screen.getByText("Go"));
  await screen.findByRole("region", { name: "Other" });
  expect(field().value).toBe("");
  fireEvent.click(screen.getByText("Go"));
  await screen.findByRole("region", { name: "One" });
  expect(field().value).toBe("begun");
});

test("where another user logs in, what the one before them began is not there, and what they begin at once is", async () => {
  const id = await job("Cellar", "eva");
  const ben = await open(s.client("ben"), `job:${id}`);
  const room = <ChatRoom roomId={id} />;
  const { rerender } = show("eva", s.server, room);
  await screen.findByText("No messages yet");
  const field = () => screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
  fireEvent.change(field(), { target: { value: "Eva's" } });
  rerender(<WebSocketProvider {...as("dan", s.server)}>{room}</WebSocketProvider>);
  expect(field().value).toBe("");
  fireEvent.change(field(), { target: { value: "Dan's" } });
  await screen.findByText("No messages yet");
  expect(field().value).toBe("Dan's");
  fireEvent.keyDown(field(), { key: "Enter" });
  const { messages } = await settled(ben, 1);
  expect(messages).toMatchObject([{ sender: "dan", content: "Dan's" }]);
});

/** A client of somebody whose list has shown a room in which something was said. */
async function listed(user: string) {
  const id = await job("Porch", user);
  const ben = await open(s.client("ben"), `job:${id}`);
  ben.send("The door is green");
  await settled(ben, 1);
  const client = new ChatClient(as(user, s.network));
  client.connect();
  client.rooms.subscribe(() => {});
  await when(client.rooms, ({ rooms: [room] }) => room?.status === "live" && room.lastMessage !== null);
  return { client, id, ben };
}

test("a room that the list has shown is not empty until its messages are here, and those are no news", async () => {
  const { client, id, ben } = await listed("fay");
  const { container } = render(
    <WebSocketProvider client={client}>
      <ChatRoom roomId={id} />
    </WebSocketProvider>,
  );
  expect(screen.queryByText("No messages yet")).toBeNull();
  expect(screen.getByRole("status", { name: "Loading…" })).toBeTruthy();
  const told = container.querySelector(".ce-room > .ce-hidden[aria-live=polite]");
  await screen.findByRole("log");
  expect(told?.textContent).toBe("");
  ben.send("And it is open");
  await soon(() => expect(told?.textContent).toBe("Ben Birch: And it is open"));
  client.close();
});

test("nor is it where there is no connection", async () => {
  const { client, id } = await listed("gus");
  s.network.unplug();
  await when(client.rooms, ({ rooms: [room] }) => room?.status === "stale");
  render(
    <WebSocketProvider client={client}>
      <ChatRoom roomId={id} />
    </WebSocketProvider>,
  );
  expect(screen.queryByText("No messages yet")).toBeNull();
  expect(screen.getByRole("status", { name: "Loading…" })).toBeTruthy();
  s.network.restore();
  await screen.findByRole("log");
  client.close();
});

test("a list of rooms says what is new, who types, and which one was chosen", async () => {
  const id = await job("Garden", "cat");
  const ben = await open(s.client("ben"), `job:${id}`);
  const chosen: (string | null)[] = [];
  show(
    "cat",
    s.server,
    <>
      <Total />
      <ChatRoomList onSelect={({ key }) => chosen.push(key)} selected={ben.getSnapshot().id ?? undefined} />
    </>,
  );
  const item = await screen.findByRole("button", { name: /Garden/ });
  expect(item.getAttribute("aria-current")).toBe("true");
  expect(within(item).queryByRole("img")).toBeNull();
  ben.send("The hedge is done");
  ben.send("And the lawn");
  await within(item).findByText("And the lawn");
  await soon(() =>
    expect(screen.getAllByRole("img", { name: "2 unread" }).map(({ textContent }) => textContent)).toEqual(["1+", "2"]),
  );
  const dan = await open(s.client("dan"), `job:${id}`);
  // Nobody has opened the room here: its people are asked for when one of them is to be named.
  await typed(
    () => ben.type(),
    () => void within(item).getByText("Ben Birch is typing…"),
  );
  const both = () => {
    ben.type();
    dan.type();
  };
  await typed(both, () => void within(item).getByText("Ben Birch and Dan Dale are typing…"));
  fireEvent.click(item);
  expect(chosen).toEqual([`job:${id}`]);
  cleanup();
  expect(screen.queryByRole("navigation")).toBeNull();
});
