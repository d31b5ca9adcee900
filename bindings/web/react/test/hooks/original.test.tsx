/**
 * The code that a team has: pages as they were written for the original's context and hook, with nothing changed but the
 * imports.
 */

import { fireEvent, screen } from "@testing-library/react";
import { useEffect, useRef, useState } from "react";
import { expect, test } from "vitest";
import { open, settled, stage } from "../../../client/test/support/stage.js";
import { useChat, useWebSocket } from "../../src/index.js";
import { show, soon, tidy, typed } from "./support/chat.js";

const s = stage();
tidy();

/** A page that speaks through the context; the id comes out of the address, so it is a string. */
function ChatPage({ jobId }: { jobId: string }) {
  const { connectChatWebSocket, sendChatMessage, chatMessages } = useWebSocket();
  const [newMessage, setNewMessage] = useState("");
  const messagesEndRef = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (jobId) {
      connectChatWebSocket(jobId);
    }
  }, [jobId, connectChatWebSocket]);

  const messages = chatMessages[jobId] || [];

  const handleSend = () => {
    if (newMessage.trim()) {
      sendChatMessage(jobId, newMessage);
      setNewMessage("");
    }
  };

  return (
    <div>
      {messages.map((msg) => (
        <div key={msg.id}>{msg.content}</div>
      ))}
      <div ref={messagesEndRef} />
      <input aria-label="page" value={newMessage} onChange={(e) => setNewMessage(e.target.value)} />
      <button type="button" onClick={handleSend}>
        Send from the page
      </button>
    </div>
  );
}

/** A room that speaks through the hook; the id is a job's number. */
function ChatRoom({ roomId, currentUser }: { roomId: number; currentUser: string }) {
  const { messages, isConnected, sendMessage, sendTypingIndicator, stopTyping } = useChat(roomId);
  const [text, setText] = useState("");

  return (
    <div>
      <span>{isConnected ? "Connected" : "Disconnected"}</span>
      {messages.map((message) => (
        <p key={message.id} className={message.sender === currentUser ? "own" : "other"}>
          {message.content} <time>{new Date(message.created_at).getFullYear()}</time>
        </p>
      ))}
      <input
        aria-label="room"
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          sendTypingIndicator();
        }}
        onBlur={stopTyping}
      />
      <button
        type="button"
        onClick={() => {
          sendMessage(text);
          setText("");
        }}
      >
        Send from the room
      </button>
    </div>
  );
}

test("the original's pages work as they are", async () => {
  await s.server.room("job:42", "ann", "ben");
  const ben = await open(s.client("ben"), "job:42");
  const page = (
    <>
      <ChatPage jobId="42" />
      <ChatRoom roomId={42} currentUser="ann" />
    </>
  );
  show("ann", s.server, page, true);
  await screen.findByText("Connected");

  const room = screen.getByLabelText<HTMLInputElement>("room");
  const write = (value: string) => fireEvent.change(room, { target: { value } });
  await typed(
    () => write(`${room.value}.`),
    () => expect(ben.getSnapshot().typing).toEqual(["ann"]),
  );
  write("through the hook");
  fireEvent.blur(room);
  await soon(() => expect(ben.getSnapshot().typing).toEqual([]));
  fireEvent.click(screen.getByText("Send from the room"));
  fireEvent.change(screen.getByLabelText("page"), { target: { value: "through the context" } });
  fireEvent.click(screen.getByText("Send from the page"));
  await settled(ben, 2);
  ben.send("and back");
  await settled(ben, 3);

  const said = ["through the hook", "through the context", "and back"];
  await soon(() => {
    const own = [...document.querySelectorAll(".own, .other")].map((p) => [p.className, p.firstChild?.textContent]);
    expect(own).toEqual([
      ["own", said[0]],
      ["own", said[1]],
      ["other", said[2]],
    ]);
    for (const text of said) expect(screen.getAllByText(text, { exact: false }).length).toBe(2);
  });
});
