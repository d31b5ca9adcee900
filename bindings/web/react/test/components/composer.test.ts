// @vitest-environment node
/** Where one writes: what its keys do, and what becomes of what was begun. */

import type { Page } from "playwright-core";
import { expect } from "vitest";
import { stage, test } from "./support/browser.js";

const { open } = stage();

const field = (page: Page) => page.getByRole("textbox", { name: "Message" });
const asked = (page: Page, name: string) =>
  page.evaluate((name) => window.asked.filter(([asked]) => asked === name), name);

/** Opens what can be done with a message, and does it. */
async function does(page: Page, what: string, text: string): Promise<void> {
  const message = page.locator(".ce-message", { hasText: text });
  await message.hover();
  await message.getByRole("button", { name: "Message actions" }).click();
  await page.getByRole("menuitem", { name: what }).click();
}

test("the Enter key sends, with Shift it breaks the line", async () => {
  const page = await open("conversation");
  await field(page).click();
  await page.keyboard.type("One");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  expect(await field(page).inputValue()).toBe("One\ntwo");
  expect(await asked(page, "sendMessage")).toEqual([]);
  expect((await asked(page, "sendTypingIndicator")).length).toBe(7);
  await page.keyboard.press("Enter");
  expect(await asked(page, "sendMessage")).toEqual([["sendMessage", "One\ntwo", {}]]);
  expect(await asked(page, "stopTyping")).not.toEqual([]);
  expect(await field(page).inputValue()).toBe("");
  await page.keyboard.type("   ");
  await page.keyboard.press("Enter");
  expect(await asked(page, "sendMessage")).toHaveLength(1);
  expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
  await page.keyboard.type("three");
  await page.getByRole("button", { name: "Send" }).click();
  expect((await asked(page, "sendMessage")).at(-1)).toEqual(["sendMessage", "   three", {}]);
});

test("control characters that were pasted are left out, and line breaks of a word processor are line breaks", async () => {
  const page = await open("conversation");
  const paste = (text: string) =>
    field(page).evaluate((field: HTMLTextAreaElement, text) => {
      field.focus();
      field.select();
      document.execCommand("insertText", false, text);
    }, text);
  const pasted = "\u001b[1mOne\u001b[0m\vtwo\f\tthree\u0000\u007f";
  const clean = "[1mOne[0m\ntwo\tthree";
  await paste(pasted);
  await page.keyboard.press("Enter");
  expect(await asked(page, "sendMessage")).toEqual([["sendMessage", clean, {}]]);
  await does(page, "Edit", "Looks good!");
  await paste(pasted);
  await page.keyboard.press("Enter");
  expect(await asked(page, "editMessage")).toEqual([["editMessage", "m9", clean]]);
  await paste("\u001b");
  expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
});

test("while a word is put together, the Enter key belongs to that", async () => {
  const page = await open("conversation");
  await field(page).click();
  const keyboard = await page.context().newCDPSession(page);
  await keyboard.send("Input.imeSetComposition", { text: "にほ", selectionStart: 2, selectionEnd: 2 });
  await page.keyboard.press("Enter");
  await field(page).dispatchEvent("keydown", { key: "Enter", isComposing: true });
  // Safari has ended the composition by then, and tells by the number.
  await field(page).dispatchEvent("keydown", { key: "Enter", keyCode: 229 });
  expect(await asked(page, "sendMessage")).toEqual([]);
  await keyboard.send("Input.insertText", { text: "日本" });
  await field(page).fill("日本");
  await page.keyboard.press("Enter");
  expect(await asked(page, "sendMessage")).toEqual([["sendMessage", "日本", {}]]);
});

test("it grows with what is in it, up to a height, and shrinks again", async () => {
  const page = await open("conversation");
  const height = async () => (await field(page).boundingBox())?.height ?? 0;
  const one = await height();
  await field(page).fill("1\n2\n3");
  const three = await height();
  expect(three).toBeGreaterThan(one * 1.8);
  await field(page).fill("line\n".repeat(40));
  const most = await height();
  expect(most).toBeLessThanOrEqual(153);
  await field(page).fill("line\n".repeat(80));
  expect(await height()).toBe(most);
  await field(page).fill("");
  expect(await height()).toBe(one);
  // Narrower, the same words need more lines.
  await field(page).fill("some words ".repeat(12));
  const wide = await height();
  await page.setViewportSize({ width: 360, height: 640 });
  await expect.poll(height).toBeGreaterThan(wide);
  await page.setViewportSize({ width: 900, height: 640 });
  await expect.poll(height).toBe(wide);
});

test("16 KiB can be sent, and a byte more is refused with how much it is", async () => {
  const page = await open("conversation");
  // By bytes, not by letters.
  const most = "ü".repeat(8_192);
  await field(page).fill(`${most}!`);
  expect(await page.getByRole("alert").textContent()).toBe("Too long by 1 bytes");
  await field(page).press("Enter");
  expect(await asked(page, "sendMessage")).toEqual([]);
  expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
  await field(page).fill(most);
  expect(await page.getByRole("alert").count()).toBe(0);
  await field(page).press("Enter");
  expect(await asked(page, "sendMessage")).toHaveLength(1);
});

test("an emoji stands where the caret was", async () => {
  const page = await open("conversation");
  await field(page).fill("Hello Ben");
  await field(page).evaluate((text) => (text as HTMLTextAreaElement).setSelectionRange(5, 5));
  await page.getByRole("button", { name: "Emoji" }).click();
  await page.getByRole("button", { name: "👍" }).click();
  expect(await field(page).inputValue()).toBe("Hello👍 Ben");
  await page.waitForFunction(() => document.activeElement instanceof HTMLTextAreaElement);
  await page.keyboard.type("!");
  expect(await field(page).inputValue()).toBe("Hello👍! Ben");
  const emoji = page.getByRole("button", { name: "Emoji" });
  await emoji.click();
  await page.keyboard.press("Escape");
  expect(await emoji.getAttribute("aria-expanded")).toBe("false");
  expect(await emoji.evaluate((button) => button === document.activeElement)).toBe(true);
});

test("the emoji are there in a browser that cannot tell letters apart", async () => {
  const page = await open("conversation");
  await page.evaluate(() => Object.assign(Intl, { Segmenter: undefined }));
  await page.getByRole("button", { name: "Emoji" }).click();
  const choice = page.getByRole("group", { name: "Emoji" }).getByRole("button");
  expect(await choice.count()).toBe(38);
  // It consists of four code points.
  await choice.getByText("❤️‍🔥", { exact: true }).click();
  expect(await field(page).inputValue()).toBe("❤️‍🔥");
});

test("what was begun stays in its room, and comes back with it", async () => {
  const page = await open("conversation");
  const goTo = (id: string) =>
    page.evaluate(
      (id) =>
        window.change(
          (chat) =>
            ({
              ...chat,
              messages: [],
              room: { id, key: null, kind: "group", name: id, state: "open" },
            }) as unknown as typeof chat,
        ),
      id,
    );
  await field(page).fill("for the first");
  await goTo("second");
  expect(await field(page).inputValue()).toBe("");
  await field(page).fill("for the second");
  await goTo("r1");
  expect(await field(page).inputValue()).toBe("for the first");
  await goTo("second");
  expect(await field(page).inputValue()).toBe("for the second");
  await field(page).press("Enter");
  await goTo("r1");
  await goTo("second");
  expect(await field(page).inputValue()).toBe("");
});

test("what is written before the room is known is for it", async () => {
  const page = await open("loading");
  await field(page).focus();
  await page.keyboard.type("early");
  await page.evaluate(() =>
    window.change((chat) => ({ ...chat, room: { id: "r1", name: "Late" } }) as unknown as typeof chat),
  );
  await page.keyboard.type(" bird");
  expect(await field(page).inputValue()).toBe("early bird");
});

test("what was begun in a room does not go to the next one while that is not known, and what is written then does", async () => {
  const page = await open("conversation");
  const goTo = async (id: string, meanwhile: () => Promise<void>) => {
    const nothing = { status: "loading", room: null, my: null, messages: [] } as const;
    await page.evaluate((nothing) => window.change((chat) => ({ ...chat, ...nothing })), nothing);
    await meanwhile();
    await page.evaluate(
      (id) =>
        window.change(
          (chat) => ({ ...chat, status: "live", room: { id, kind: "group", name: id, state: "open" } }) as typeof chat,
        ),
      id,
    );
  };
  await field(page).fill("for the first");
  await goTo("second", async () => {
    expect(await field(page).inputValue()).toBe("");
    await field(page).pressSequentially("early");
  });
  expect(await field(page).inputValue()).toBe("early");
  await field(page).press("Enter");
  expect(await asked(page, "sendMessage")).toEqual([["sendMessage", "early", {}]]);
  await goTo("r1", async () => {});
  expect(await field(page).inputValue()).toBe("for the first");
});

test.each(["Edit", "Reply"])("who logs in after somebody finds nothing of what they began: %s", async (what) => {
  const page = await open("unread");
  await does(page, what, "Looks good!");
  await field(page).fill("Looks very good!");
  await page.locator(".ce-unread-divider").waitFor();
  await page.evaluate(() => {
    let first: Parameters<Parameters<typeof window.change>[0]>[0] | undefined;
    window.change((chat) => {
      first = chat;
      return { ...chat, status: "loading", me: null, room: null, my: null, messages: [] };
    });
    window.change((chat) => ({
      ...(first ?? chat),
      me: "ida@test.com",
      unreadCount: 0,
      my: first?.my ? { ...first.my, marker_seq: 12 } : null,
    }));
  });
  expect(await field(page).inputValue()).toBe("");
  expect(await page.locator(".ce-purpose").count()).toBe(0);
  expect(await page.locator(".ce-unread-divider").count()).toBe(0);
});

test("a reply says to whom, and giving it up keeps the words", async () => {
  const page = await open("conversation");
  await field(page).fill("Half a thought");
  await does(page, "Reply", "There is a stain");
  await page.getByText("Replying to Ben Okafor").waitFor();
  expect(await field(page).evaluate((text) => text === document.activeElement)).toBe(true);
  await page.keyboard.press("Escape");
  expect(await page.locator(".ce-purpose").count()).toBe(0);
  expect(await field(page).inputValue()).toBe("Half a thought");
  await does(page, "Reply", "There is a stain");
  await page.keyboard.press("Enter");
  expect(await asked(page, "sendMessage")).toEqual([["sendMessage", "Half a thought", { reply_to: "m10" }]]);
  expect(await page.locator(".ce-purpose").count()).toBe(0);
});

test("an edit begins with what was said; it is saved or given up, and what was begun comes back", async () => {
  const page = await open("conversation");
  await field(page).fill("Begun");
  await does(page, "Edit", "And thank you for asking.");
  expect(await field(page).inputValue()).toBe("And thank you for asking.");
  await page.keyboard.type(" Really.");
  await page.keyboard.press("Escape");
  expect(await field(page).inputValue()).toBe("Begun");
  expect(await asked(page, "editMessage")).toEqual([]);
  expect(await asked(page, "sendTypingIndicator")).toHaveLength(1);
  await does(page, "Edit", "And thank you for asking.");
  await page.keyboard.type(" Really.");
  await does(page, "Reply", "There is a stain");
  expect(await field(page).inputValue()).toBe("Begun");
  await does(page, "Edit", "And thank you for asking.");
  await page.keyboard.type(" Truly.");
  await page.getByRole("button", { name: "Save" }).click();
  expect(await asked(page, "editMessage")).toEqual([["editMessage", "m12", "And thank you for asking. Truly."]]);
  expect(await field(page).inputValue()).toBe("Begun");
  expect(await asked(page, "sendMessage")).toEqual([]);
});

test("a message is deleted when that was confirmed, and only then", async () => {
  const page = await open("conversation");
  const dialog = page.getByRole("alertdialog", { name: "Delete this message?" });
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  const ways: (() => Promise<void>)[] = [
    () => page.keyboard.press("Escape"),
    // What is safe has the focus: the Enter key alone deletes nothing.
    () => page.keyboard.press("Enter"),
    () => page.mouse.click(5, 5),
  ];
  for (const giveUp of ways) {
    await does(page, "Delete", "And thank you for asking.");
    await dialog.getByText("And thank you for asking.").waitFor();
    expect(await focused()).toBe("Cancel");
    await giveUp();
    await dialog.waitFor({ state: "detached" });
    expect(await asked(page, "deleteMessage")).toEqual([]);
    // The focus is where it was.
    expect(await focused()).toContain("And thank you for asking.");
  }
  await does(page, "Delete", "And thank you for asking.");
  // It stays within what is asked.
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Delete");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  expect(await asked(page, "deleteMessage")).toEqual([["deleteMessage", "m12"]]);
});
