/** What was begun, what is edited and what is answered: one text field, and none of the three becomes another. */

import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Composer, type Purpose } from "../../src/components/Composer.js";
import type { Chat, ChatMessage } from "../../src/types.js";

afterEach(cleanup);

const message = (id: string, content: string, isMine: boolean) =>
  ({ id, content, isMine, senderName: "Ben Okafor" }) as ChatMessage;
const EDIT: Purpose = { kind: "edit", message: message("m1", "Hello Ben", true) };
const EDIT_ANOTHER: Purpose = { kind: "edit", message: message("m2", "Good morning", true) };
const REPLY: Purpose = { kind: "reply", message: message("m3", "Is the balcony part of it?", false) };

/** A composer of a room of its own, and what it asked of it. */
function compose(room: string) {
  const asked: unknown[][] = [];
  const note =
    (name: string) =>
    (...given: unknown[]) =>
      asked.push([name, ...given]);
  const chat = {
    connection: { status: "connecting" },
    sendMessage: note("send"),
    editMessage: note("edit"),
    sendTypingIndicator: () => {},
    stopTyping: () => {},
  } as unknown as Chat;
  const show = (purpose?: Purpose) => (
    <Composer chat={chat} room={room} purpose={purpose} onPurposeEnd={() => rerender(show())} />
  );
  const { rerender } = render(show());
  const field = screen.getByRole<HTMLTextAreaElement>("textbox");
  const write = (value: string) => fireEvent.change(field, { target: { value } });
  const press = (key: string) => fireEvent.keyDown(field, { key });
  return { asked, field, write, press, purpose: (purpose: Purpose) => rerender(show(purpose)) };
}

test("what was begun is there again when a message was edited", () => {
  const { asked, field, write, press, purpose } = compose("edited");
  write("What I began");
  purpose(EDIT);
  expect(field.value).toBe("Hello Ben");
  write("Hello Ben!");
  press("Enter");
  expect(asked).toEqual([["edit", "m1", "Hello Ben!"]]);
  expect(field.value).toBe("What I began");
});

test("an edit that is given up changes nothing", () => {
  const { asked, field, write, press, purpose } = compose("given up");
  write("What I began");
  purpose(EDIT);
  write("Something else");
  press("Escape");
  expect(field.value).toBe("What I began");
  purpose(EDIT_ANOTHER);
  expect(field.value).toBe("Good morning");
  press("Enter");
  expect(asked).toEqual([]);
});

test("who answers in the middle of an edit does not send the edited text as the answer", () => {
  const { asked, field, write, press, purpose } = compose("answered");
  write("What I began");
  purpose(EDIT);
  purpose(REPLY);
  expect(field.value).toBe("What I began");
  press("Enter");
  expect(asked).toEqual([["send", "What I began", { reply_to: "m3" }]]);
  expect(field.value).toBe("");
});

test("what was written as an answer stays when it shall answer nothing any more", () => {
  const { asked, field, write, press, purpose } = compose("no answer");
  purpose(REPLY);
  write("Yes, please");
  press("Escape");
  expect(field.value).toBe("Yes, please");
  press("Enter");
  expect(asked).toEqual([["send", "Yes, please", {}]]);
});

test("whom one answers is said as one would say it", () => {
  const { purpose } = compose("whom");
  purpose(REPLY);
  expect(screen.getByText("Replying to Ben Okafor")).toBeTruthy();
  purpose({ kind: "reply", message: EDIT.message });
  expect(screen.getByText("Replying to yourself")).toBeTruthy();
});
