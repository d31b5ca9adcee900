// @vitest-environment node
/** The list of messages, scrolled: it stays at its end, and does not move what somebody reads. */

import type { Page } from "playwright-core";
import { expect } from "vitest";
import { marks, settled, stage, test } from "./support/browser.js";

const { open } = stage();

/** Others write so much: after what is shown, or before it, on its day or on another. */
async function come(page: Page, count: number, where: "after" | "before" = "after", day?: string): Promise<void> {
  await page.evaluate(
    ({ count, where, day }) =>
      window.change((chat) => {
        const texts = chat.messages.filter(({ message_type, isMine }) => message_type === "text" && !isMine);
        const one = texts.at(where === "after" ? -1 : 0);
        const edge = (where === "after" ? chat.messages.at(-1) : chat.messages[0])?.seq ?? 0;
        if (!one) throw new Error("nobody said anything");
        const more = Array.from({ length: count }, (_, n) => {
          const seq = where === "after" ? edge + n + 1 : edge - count + n;
          const created_at = day ? `${day}T08:00:00.000Z` : one.created_at;
          const content = `Number ${seq} ${"and more of it ".repeat(Math.abs(seq) % 5)}`;
          return {
            ...one,
            key: `n${seq}`,
            id: `n${seq}`,
            client_id: `n${seq}`,
            seq,
            content,
            created_at,
            reply_to: undefined,
          };
        });
        const messages = where === "after" ? [...chat.messages, ...more] : [...more, ...chat.messages];
        return {
          ...chat,
          messages,
          ...(where === "after" ? { unreadCount: chat.unreadCount + count } : {}),
        } as typeof chat;
      }),
    { count, where, day },
  );
  await settled(page);
}

/** How far the end is below what is seen. */
const toEnd = (page: Page) =>
  page
    .locator(".ce-list")
    .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);

/** Scrolls as a hand does, and waits until the list stands still again. */
async function wheel(page: Page, by: number): Promise<void> {
  await page.mouse.move(400, 300);
  const stands = await page.evaluateHandle(() => {
    const list = document.querySelector(".ce-list");
    return { still: new Promise((still) => list?.addEventListener("scrollend", still, { once: true })) };
  });
  await page.mouse.wheel(0, by);
  await stands.evaluate(async ({ still }) => void (await still));
  await settled(page);
}

/** The message in the middle of the screen. */
const inTheMiddle = (page: Page) =>
  page.evaluate(() => {
    const row = [...document.querySelectorAll(".ce-row")].find((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return top <= innerHeight / 2 && bottom > innerHeight / 2;
    });
    const text = row?.querySelector(".ce-message-text")?.firstChild?.textContent;
    if (!text) throw new Error("there is no message in the middle");
    return text;
  });

const topOf = (page: Page, text: string) =>
  page.evaluate((text) => {
    const row = [...document.querySelectorAll(".ce-row")].find(
      (row) => row.querySelector(".ce-message-text")?.firstChild?.textContent === text,
    );
    return row?.querySelector(".ce-message")?.getBoundingClientRect().top ?? Number.NaN;
  }, text);

const asked = (page: Page, name: string) =>
  page.evaluate((name) => window.asked.filter(([asked]) => asked === name), name);

test("at the end it stays at the end", async () => {
  const page = await open("fifty");
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
  for (const count of [1, 3, 40]) {
    await come(page, count);
    expect(await toEnd(page)).toBeLessThanOrEqual(2);
  }
  expect(await page.locator(".ce-to-latest").count()).toBe(0);
  // A keyboard comes up on a phone, and goes.
  for (const height of [400, 640]) {
    await page.setViewportSize({ width: 900, height });
    await settled(page);
    expect(await toEnd(page)).toBeLessThanOrEqual(2);
  }
});

test("while it moves, what is in it can be clicked", async () => {
  const page = await open("fifty");
  const under = await page.evaluate(async () => {
    const list = document.querySelector(".ce-list");
    if (!list) throw new Error("there is no list");
    const { left, top, width, height } = list.getBoundingClientRect();
    const found = new Set<string | undefined>();
    for (let frame = 0; frame < 6; frame += 1) {
      list.scrollTop -= 1;
      await new Promise(requestAnimationFrame);
      found.add(document.elementFromPoint(left + width / 2, top + height / 2)?.className);
    }
    return [...found];
  });
  expect(under).not.toContain("ce-list");
});

test("who reads further up is not moved by what comes; a button says how much it is, and goes there", async () => {
  const page = await open("fifty");
  await wheel(page, -1_500);
  const text = await inTheMiddle(page);
  const before = await topOf(page, text);
  await come(page, 1);
  await page.getByRole("button", { name: "1 new message" }).waitFor();
  await come(page, 6);
  const button = page.getByRole("button", { name: "7 new messages" });
  await button.waitFor();
  expect(Math.abs((await topOf(page, text)) - before)).toBeLessThanOrEqual(2);
  await button.click();
  await settled(page);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
  expect(await page.locator(".ce-to-latest").count()).toBe(0);
});

test("who leaves the end while many write is let go, and kept at the end until then", async () => {
  const page = await open("fifty");
  const storm = (frames: number) =>
    page.evaluate(async (frames) => {
      for (let frame = 0; frame < frames; frame += 1) {
        await new Promise(requestAnimationFrame);
        window.change((chat) => {
          const last = chat.messages.at(-1);
          if (!last?.seq) throw new Error("nothing is stored");
          const seqs = Array.from({ length: 16 }, (_, n) => (last.seq ?? 0) + n + 1);
          const more = seqs.map((seq) => ({
            ...last,
            key: `s${seq}`,
            id: `s${seq}`,
            seq,
            isMine: false,
            sender: "ida",
          }));
          return { ...chat, unreadCount: chat.unreadCount + 16, messages: [...chat.messages, ...more].slice(-300) };
        });
      }
    }, frames);
  await storm(90);
  await settled(page);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
  await page.mouse.move(400, 300);
  const coming = storm(60);
  for (let turn = 0; turn < 4; turn += 1) await page.mouse.wheel(0, -150);
  await coming;
  await settled(page);
  expect(await toEnd(page)).toBeGreaterThan(500);
  await page.getByRole("button", { name: "new message" }).waitFor();
});

test("what one writes is shown, wherever one was", async () => {
  const page = await open("fifty");
  await wheel(page, -2_000);
  await page.evaluate(() =>
    window.change((chat) => {
      const last = chat.messages.filter(({ isMine }) => isMine).at(-1);
      if (!last) throw new Error("nothing is mine");
      const { seq: _, ...mine } = { ...last, key: "mine", id: "mine", content: "Mine", progress: "pending" as const };
      return { ...chat, messages: [...chat.messages, mine] };
    }),
  );
  await settled(page);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
});

test.each([
  ["of the same day", undefined],
  ["of a day before", "2026-11-20"],
])("older messages %s do not move what is read", async (_name, day) => {
  const page = await open("fifty");
  await wheel(page, -1_500);
  for (const _ of [1, 2, 3]) {
    await wheel(page, -300);
    const text = await inTheMiddle(page);
    const before = await topOf(page, text);
    await come(page, 50, "before", day);
    expect(Math.abs((await topOf(page, text)) - before), text).toBeLessThanOrEqual(2);
  }
});

test("below everything one that was not sent: paging at either end does not move what is read", async () => {
  const page = await open("fifty");
  /** So many come at one end of those that are stored, and as many are let go at the other. */
  const turn = async (by: number) => {
    await page.evaluate((by) => {
      window.change((chat) => {
        const stored = chat.messages.filter(({ seq }) => seq !== undefined);
        const one = stored.find(({ isMine }) => !isMine);
        const [first = 0, last = 0] = [stored[0]?.seq, stored.at(-1)?.seq];
        if (!one) throw new Error("nobody said anything");
        const more = Array.from({ length: Math.abs(by) }, (_, n) => {
          const seq = by < 0 ? first + by + n : last + n + 1;
          return { ...one, key: `p${seq}`, id: `p${seq}`, seq, content: `Page ${seq} ${"and more ".repeat(n % 5)}` };
        });
        const held = by < 0 ? [...more, ...stored.slice(0, by)] : [...stored.slice(by), ...more];
        const { seq: _, ...failed } = { ...one, key: "t", id: "t", isMine: true, progress: "failed" as const };
        return { ...chat, messages: [...held, failed] };
      });
    }, by);
    await settled(page);
  };
  await turn(0);
  await wheel(page, -2_300);
  for (const by of [-20, 20]) {
    await wheel(page, Math.sign(by) * 100);
    const text = await inTheMiddle(page);
    const before = await topOf(page, text);
    await turn(by);
    expect(Math.abs((await topOf(page, text)) - before), text).toBeLessThanOrEqual(2);
  }
});

test("older ones are fetched before the start is reached, and none where there are none", async () => {
  const page = await open("fifty");
  await settled(page);
  // As somebody does it: what moves it by itself is not taken for leaving its end.
  const top = () => page.locator(".ce-list").evaluate((list) => list.scrollTop);
  while ((await top()) > 0) await wheel(page, -2_000);
  expect(await asked(page, "loadOlder")).toEqual([]);
  await page.evaluate(() => window.change((chat) => ({ ...chat, hasOlder: true })));
  await wheel(page, 100);
  await expect.poll(() => asked(page, "loadOlder")).not.toEqual([]);
});

test("a room with unread messages begins where they do", async () => {
  const page = await open("many-unread");
  const divider = page.locator(".ce-unread-divider");
  const list = await page.locator(".ce-list").boundingBox();
  const line = await divider.boundingBox();
  expect(line?.y).toBeGreaterThanOrEqual(list?.y ?? 0);
  expect(line?.y).toBeLessThan((list?.y ?? 0) + 200);
  expect(await toEnd(page)).toBeGreaterThan(100);
  // As far as it was seen, and no further.
  const read = (await asked(page, "markRead")).map(([, seq]) => Number(seq));
  expect(Math.max(...read)).toBeGreaterThan(20);
  expect(Math.max(...read)).toBeLessThan(50);
  await wheel(page, 9_999);
  await expect.poll(async () => (await asked(page, "markRead")).at(-1)).toEqual(["markRead", 50]);
  // Reading does not take the line away.
  await wheel(page, -1_500);
  await divider.waitFor();
});

test("where more is unread than is held, it begins at its end, and a button says how much that is and goes there", async () => {
  const page = await open("more-unread");
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
  expect(await page.locator(".ce-unread-divider").count()).toBe(0);
  await page.getByRole("button", { name: "1204 new messages" }).click();
  expect(await asked(page, "jumpTo")).toEqual([["jumpTo", 31]]);
  // When it is held, it is gone to, the line is there, and the button goes.
  await come(page, 30, "before");
  expect(await page.locator(".ce-to-unread").count()).toBe(1);
  await come(page, 40, "before");
  await page.locator(".ce-to-unread").waitFor({ state: "detached" });
  await page.locator(".ce-unread-divider").waitFor();
});

test("what comes into an empty room that one looks at is new to nobody", async () => {
  const page = await open("conversation");
  const [first] = await page.evaluate(() => {
    let messages: readonly unknown[] = [];
    window.change((chat) => {
      messages = chat.messages;
      return { ...chat, room: chat.room && { ...chat.room, id: "empty" }, messages: [] };
    });
    return [messages.at(-3)];
  });
  await page.getByText("No messages yet").waitFor();
  await page.evaluate(
    (first) => window.change((chat) => ({ ...chat, unreadCount: 1, messages: [first] }) as typeof chat),
    first,
  );
  await page.getByText("There is a stain").first().waitFor();
  expect(await page.locator(".ce-unread-divider").count()).toBe(0);
});

test("nothing is marked as read while nobody looks", async () => {
  const page = await open("fifty");
  await page.evaluate(() => {
    document.hasFocus = () => false;
  });
  await come(page, 2);
  expect(await asked(page, "markRead")).toEqual([]);
  await page.evaluate(() => {
    document.hasFocus = () => true;
    window.dispatchEvent(new Event("focus"));
  });
  await settled(page);
  expect((await asked(page, "markRead")).at(-1)).toEqual(["markRead", 52]);
});

test("what comes while the page is hidden is below what was seen, and not read before it is seen as well", async () => {
  const page = await open("fifty");
  const show = (visibilityState: DocumentVisibilityState) =>
    page.evaluate((visibilityState) => {
      const now = { hidden: visibilityState === "hidden", visibilityState };
      for (const [name, value] of Object.entries(now))
        Object.defineProperty(document, name, { configurable: true, value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, visibilityState);
  await show("hidden");
  await come(page, 20);
  await show("visible");
  await settled(page);
  expect(await toEnd(page)).toBeGreaterThan(100);
  await page.getByRole("button", { name: "20 new messages" }).waitFor();
  const read = (await asked(page, "markRead")).map(([, seq]) => Number(seq));
  expect(Math.max(...read)).toBeLessThan(70);
  await wheel(page, 9_999);
  await expect.poll(async () => (await asked(page, "markRead")).at(-1)).toEqual(["markRead", 70]);
  // There again, it stays there; also where something else than a message came while it was hidden.
  await show("hidden");
  await page.evaluate(() => window.change((chat) => ({ ...chat, messages: [...chat.messages] })));
  await show("visible");
  await settled(page);
  await come(page, 3);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
});

test("the quoted message is gone to, and marked", async () => {
  const page = await open("fifty");
  await page.evaluate(() =>
    window.change((chat) => ({
      ...chat,
      messages: chat.messages.map((message) => (message.seq === 50 ? { ...message, reply_to: "m5" } : message)),
    })),
  );
  await settled(page);
  const marked = await marks(page);
  await page.locator(".ce-quote").click();
  await expect.poll(marked).toEqual([expect.stringContaining("Message 5 ")]);
  const [text = ""] = await marked();
  await settled(page);
  const place = await topOf(page, text);
  expect(place).toBeGreaterThan(0);
  expect(place).toBeLessThan(600);
  await page.locator("[data-target]").waitFor({ state: "detached" });
});

test("who wants no motion sees as well which message was gone to", async () => {
  const page = await open("fifty", { reducedMotion: "reduce" });
  await page.evaluate(() =>
    window.change((chat) => ({
      ...chat,
      messages: chat.messages.map((message) => (message.seq === 50 ? { ...message, reply_to: "m49" } : message)),
    })),
  );
  const look = await page.evaluateHandle(() => {
    const outlines: string[] = [];
    const note = () => {
      const bubble = document.querySelector("[data-target] .ce-bubble");
      if (bubble) outlines.push(getComputedStyle(bubble).outlineStyle);
    };
    new MutationObserver(note).observe(document.body, { attributeFilter: ["data-target"], subtree: true });
    return outlines;
  });
  await page.locator(".ce-quote").click();
  await expect.poll(() => look.jsonValue()).toEqual(["solid"]);
});

test("a message that is not held is gone to when it is drawn, also where one looks at the end until then", async () => {
  const page = await open("fifty");
  const marked = await marks(page);
  await page.evaluate(() => {
    const arrived = new Promise<number>((arrive) => {
      window.arrive = () => arrive(-195);
    });
    window.change((chat) => ({
      ...chat,
      jumpTo: () => arrived,
      messages: chat.messages.map((message) => (message.seq === 50 ? { ...message, reply_to: "elsewhere" } : message)),
    }));
  });
  await settled(page);
  await page.locator(".ce-quote").click();
  // Somebody comes back to the page: it looks where it is, which is still the end.
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await settled(page);
  await page.evaluate(async () => {
    window.arrive();
    // The answer is here; what it brought is drawn with a later frame, and ends with what one has said oneself.
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    window.change((chat) => {
      const one = chat.messages.find(({ message_type, isMine }) => message_type === "text" && !isMine);
      if (!one) throw new Error("nobody said anything");
      const around = Array.from({ length: 50 }, (_, n) => {
        const name = { key: `a${n}`, id: `a${n}`, client_id: `a${n}`, seq: n - 200 };
        return { ...one, ...name, content: `Far up, number ${n} ${"and more of it ".repeat(n % 5)}`, isMine: n === 49 };
      });
      return { ...chat, messages: around, hasOlder: false, hasNewer: true };
    });
  });
  await settled(page);
  const place = await topOf(page, "Far up, number 5 ");
  expect(place).toBeGreaterThan(0);
  expect(place).toBeLessThan(600);
  expect(await marked()).toEqual(["Far up, number 5 "]);
  await page.locator("[data-target]").waitFor({ state: "detached" });
  expect(await topOf(page, "Far up, number 5 ")).toBe(place);
});

test("a finger that pulls at the end does not keep it from staying there; one that goes up the talk does", async () => {
  const page = await open("fifty", { hasTouch: true });
  const screen = await page.context().newCDPSession(page);
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", y?: number) =>
    screen.send("Input.dispatchTouchEvent", { type, touchPoints: y === undefined ? [] : [{ x: 400, y }] });
  const drag = async (by: number) => {
    await touch("touchStart", 300);
    for (let step = 1; step <= 10; step += 1) await touch("touchMove", 300 + (by * step) / 10);
    await touch("touchEnd");
    await settled(page);
  };
  await drag(-200);
  await come(page, 3);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
  await drag(200);
  await come(page, 3);
  expect(await toEnd(page)).toBeGreaterThan(150);
});

test("by the keyboard: along the messages, to what can be done with one, and back", async () => {
  const page = await open("fifty");
  await page.locator(".ce-list").focus();
  const focused = () => page.evaluate(() => document.activeElement?.querySelector(".ce-message-text")?.textContent);
  await page.keyboard.press("ArrowUp");
  expect(await focused()).toContain("Message 50 ");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  expect(await focused()).toContain("Message 48 ");
  await page.keyboard.press("ArrowDown");
  expect(await focused()).toContain("Message 49 ");
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  const item = () => page.evaluate(() => document.activeElement?.textContent);
  expect(await item()).toBe("Reply");
  await page.keyboard.press("ArrowUp");
  expect(await item()).toBe("Delete");
  await page.keyboard.press("Home");
  expect(await item()).toBe("Reply");
  await page.keyboard.press("Escape");
  expect(await page.getByRole("menu").count()).toBe(0);
  expect(await focused()).toContain("Message 49 ");
  // All the way up, as far as there are any.
  for (let step = 0; step < 48; step += 1) {
    await page.keyboard.press("ArrowUp");
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  expect(await focused()).toContain("Message 1 ");
  await page.keyboard.press("End");
  await settled(page);
  expect(await toEnd(page)).toBeLessThanOrEqual(2);
});

test("by the keyboard: what goes once it was used leaves the focus in the talk", async () => {
  const within = (page: Page) => page.evaluate(() => document.activeElement?.className);
  const press = async (page: Page, name: string) => {
    await page.getByRole("button", { name }).focus();
    await page.keyboard.press("Enter");
    await settled(page);
  };
  const far = await open("fifty");
  await wheel(far, -1_500);
  await press(far, "To the latest message");
  await far.locator(".ce-to-latest").waitFor({ state: "detached" });
  expect(await within(far)).toBe("ce-list");

  const above = await open("more-unread");
  await press(above, "1204 new messages");
  await come(above, 70, "before");
  await above.locator(".ce-to-unread").waitFor({ state: "detached" });
  expect(await within(above)).toBe("ce-list");

  // What is quoted may be so far up that what quotes it is not drawn any more.
  const quoted = await open("fifty");
  await quoted.evaluate(() =>
    window.change((chat) => ({
      ...chat,
      messages: chat.messages.map((message) => (message.seq === 50 ? { ...message, reply_to: "m2" } : message)),
    })),
  );
  await quoted.locator(".ce-quote").focus();
  await quoted.keyboard.press("Enter");
  await quoted.locator(".ce-quote").waitFor({ state: "detached" });
  expect(await within(quoted)).toBe("ce-list");

  const failed = await open("failed");
  await press(failed, "Try again");
  expect(await within(failed)).toBe("ce-message");
  await press(failed, "Discard");
  expect(await within(failed)).toBe("ce-list");
});

test("from what is within a message, the arrow keys lead to its neighbours", async () => {
  const page = await open("failed");
  const focused = () => page.evaluate(() => document.activeElement?.querySelector(".ce-message-text")?.textContent);
  await page.getByRole("button", { name: "Try again" }).focus();
  await page.keyboard.press("ArrowUp");
  expect(await focused()).toContain("And thank you for asking.");
  await page.getByRole("link", { name: "https://example.com/plan?floor=2" }).focus();
  await page.keyboard.press("ArrowDown");
  expect(await focused()).toContain("Looks good!");
});

test("those who do not see are told what comes, and not what was there or is scrolled to", async () => {
  const page = await open("fifty");
  const told = page.locator(".ce-room > .ce-hidden[aria-live=polite]");
  expect(await told.textContent()).toBe("");
  await wheel(page, -2_000);
  await come(page, 50, "before");
  expect(await told.textContent()).toBe("");
  await come(page, 1);
  expect(await told.textContent()).toContain("Ben Okafor: Number 51");
  // The same words again are news again.
  const anew = await told.evaluate(async (region) => {
    let changes = 0;
    new MutationObserver((all) => {
      changes += all.length;
    }).observe(region, { childList: true, characterData: true, subtree: true });
    window.change((chat) => {
      const last = chat.messages.at(-1);
      if (!last?.seq) throw new Error("nothing came");
      return { ...chat, messages: [...chat.messages, { ...last, key: "again", id: "again", seq: last.seq + 1 }] };
    });
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return changes;
  });
  expect(anew).toBeGreaterThan(0);
});

test("what tells of the connection is there before it says something, and takes no room", async () => {
  for (const forcedColors of ["none", "active"] as const) {
    const page = await open("conversation", { forcedColors });
    const banner = page.locator(".ce-banner[role=status]");
    const look = await banner.evaluate((banner) => [getComputedStyle(banner).display, banner.clientHeight]);
    expect(look).toEqual(["block", 0]);
    expect((await banner.boundingBox())?.height).toBe(0);
  }
});

test("after midnight, what was said before it is not of today any more", async () => {
  // So high that every row is drawn.
  const page = await open("conversation", { viewport: { width: 900, height: 1_400 } });
  expect(await page.locator(".ce-day").allTextContents()).toEqual(["Yesterday", "Today"]);
  await page.clock.setFixedTime(new Date("2026-11-26T08:00:00Z"));
  // Nothing has happened since, and somebody comes back to the page.
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await settled(page);
  expect(await page.locator(".ce-day").allTextContents()).toEqual(["Tuesday", "Yesterday"]);
  await come(page, 1, "after", "2026-11-26");
  expect(await page.locator(".ce-day").allTextContents()).toEqual(["Tuesday", "Yesterday", "Today"]);
});

test("what is new further down is counted whether it is held or not", async () => {
  const page = await open("fifty");
  await wheel(page, -1_500);
  // What comes while one is far up is not held; how much it is, the server knows.
  await page.evaluate(() => window.change((chat) => ({ ...chat, hasNewer: true, unreadCount: 1_204 })));
  await page.getByRole("button", { name: "1204 new messages" }).click();
  expect(await asked(page, "jumpToLatest")).toHaveLength(1);
});

test("a message that failed says why, and can be copied, sent again or let go", async () => {
  const page = await open("failed");
  await page.getByText("Not sent: it is not allowed here").waitFor();
  await page.locator("[data-progress=failed] .ce-menu-button").dispatchEvent("click");
  expect(await page.getByRole("menuitem").allTextContents()).toEqual(["Copy text"]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Discard" }).click();
  expect(await asked(page, "retry")).toEqual([["retry", "c13"]]);
  expect(await asked(page, "discard")).toEqual([["discard", "c13"]]);
});

test("what an edit was to say that was refused can be copied, also where the message is deleted", async () => {
  const page = await open("refused", { permissions: ["clipboard-read", "clipboard-write"] });
  for (const [seq, text] of [
    [0, "Looks very good!"],
    [1, "And many thanks."],
  ] as const) {
    await page.locator("[data-progress=failed] .ce-menu-button").nth(seq).dispatchEvent("click");
    expect(await page.getByRole("menuitem").allTextContents()).toEqual(["Copy text"]);
    await page.getByRole("menuitem", { name: "Copy text" }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(text);
  }
  // One that is deleted and nothing more has nothing to be copied.
  const deleted = await open("deleted");
  expect(await deleted.locator("[data-deleted] .ce-menu-button").count()).toBe(0);
});
