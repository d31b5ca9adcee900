/** An edit that the server refused is shown, and can be tried again or given up. */

import type { Message, Outgoing } from "@chat-engine/client";
import { expect, test } from "vitest";
import { MessageList } from "../../src/message-list.js";

const message = { id: "m1", room: "r", seq: 1, rev: 1, sender: "ann", content: "hi", message_type: "text" } as Message;
const room = { id: "r", ref: "r", messages: [message], outbox: [], participants: [], hasAllParticipants: true };
const error = { code: "forbidden", message: "the room is frozen", retry: "never" };

function edit(state: "pending" | "failed"): Outgoing {
  const fields = { message_id: "m1", content: "hello" };
  const more = state === "failed" ? { error } : {};
  return {
    action: "edit_message",
    room: "r",
    clientId: "e1",
    createdAt: 0,
    fields,
    state,
    ...more,
  } as unknown as Outgoing;
}

test("what was refused is said of the message, under the operation's name, until it is given up", () => {
  const list = new MessageList();
  const [before] = list.show(room, "ann");
  expect(before?.progress).toBe("sent");
  expect(list.show({ ...room, outbox: [edit("pending")] }, "ann")[0]).toBe(before);
  const [refused] = list.show({ ...room, outbox: [edit("failed")] }, "ann");
  expect(refused).toMatchObject({
    key: before?.key,
    progress: "failed",
    client_id: "e1",
    error: { code: "forbidden" },
    content: "hi",
    refused: "hello",
  });
  const [after] = list.show(room, "ann");
  expect(after).toEqual(before);
});
