/** What is told to those who do not see: what comes in the room that is shown, be it a text or a file. */

import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { ChatRoomView } from "../../src/components/index.js";
import type { Chat, ChatMessage } from "../../src/types.js";
import { STATES } from "./page/states.js";

afterEach(cleanup);

/** A room of its own, with as many messages. */
function room(id: string, count: number): Chat {
  const chat = STATES.fifty?.() as Chat;
  return { ...chat, room: chat.room && { ...chat.room, id }, messages: chat.messages.slice(0, count) };
}

/** Ben has said something. */
function after(chat: Chat, said: Partial<ChatMessage>): Chat {
  const seq = (chat.messages.at(-1)?.seq ?? 0) + 1;
  const one = chat.messages.find(({ isMine }) => !isMine) as ChatMessage;
  return { ...chat, messages: [...chat.messages, { ...one, key: `${seq}`, id: `${seq}`, seq, ...said }] };
}

function shown(first: Chat) {
  const { rerender, container } = render(<ChatRoomView chat={first} />);
  return {
    show: (chat: Chat) => rerender(<ChatRoomView chat={chat} />),
    told: () => container.querySelector(".ce-room > .ce-hidden[aria-live=polite]")?.textContent,
  };
}

const invoice = { name: "invoice.pdf", content_type: "application/pdf", size: 900, url: "/i.pdf" };

test("a message that is only a file is told by what that is called, and what was deleted is not told", () => {
  const chat = room("one", 10);
  const { show, told } = shown(chat);
  const file = after(chat, { content: "", attachments: [invoice] });
  show(file);
  expect(told()).toBe("Ben Okafor: invoice.pdf");
  const another = after(file, { content: undefined as never, attachments: [{ ...invoice, name: "plan.svg" }] });
  show(another);
  expect(told()).toBe("Ben Okafor: plan.svg");
  show(after(another, { content: undefined as never, deleted_at: "2026-11-25T11:00:00Z" }));
  expect(told()).toBe("Ben Okafor: plan.svg");
});

test("what was said in a room before one came to it from another one is not told", () => {
  const { show, told } = shown(room("one", 10));
  const other = room("other", 40);
  show(other);
  expect(told()).toBe("");
  show(after(other, { content: "On my way" }));
  expect(told()).toBe("Ben Okafor: On my way");
  // Fewer were said here: what comes is told all the same, and not what was told there.
  const one = room("one", 10);
  show(one);
  expect(told()).toBe("");
  show(after(one, { content: "Hello" }));
  expect(told()).toBe("Ben Okafor: Hello");
});
