// @vitest-environment node
/** Every state, however it is looked at: no barrier that axe finds, nothing that the policy forbids, nothing too wide. */

import axe from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { STATES } from "./page/states.js";
import { settled, stage, test } from "./support/browser.js";

const PHONE = { width: 360, height: 640 };
const { open } = stage();

async function holds(page: Page, state: string): Promise<void> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const found = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run({ resultTypes: ["violations"] }),
  );
  const words = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  expect(words, state).toEqual([]);
  await fits(page, state);
}

/** Nothing can be scrolled sideways. */
async function fits(page: Page, state: string): Promise<void> {
  const wide = await page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll(".ce-room, .ce-list, .ce-list-box, .ce-bubble")]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ className, scrollWidth, clientWidth }) => `${className}: ${scrollWidth} of ${clientWidth}`),
  );
  expect(wide, state).toEqual([]);
}

/** All of the menu that is open is seen. */
async function showsMenu(page: Page, state: string): Promise<void> {
  const [menu, list] = [await page.getByRole("menu").boundingBox(), await page.locator(".ce-list").boundingBox()];
  if (!menu || !list) throw new Error("nothing is there to be seen");
  expect(menu.x, state).toBeGreaterThanOrEqual(list.x);
  expect(menu.x + menu.width, state).toBeLessThanOrEqual(list.x + list.width);
  expect(menu.y, state).toBeGreaterThanOrEqual(list.y);
  // Rows are measured in parts of a pixel.
  expect(menu.y + menu.height, state).toBeLessThan(list.y + list.height + 1);
  await fits(page, state);
}

test.each(Object.keys(STATES))("%s, light, dark and on a phone", async (state) => {
  const page = await open(state, { colorScheme: "light" });
  await holds(page, "light");
  await page.emulateMedia({ colorScheme: "dark" });
  await holds(page, "dark");
  await page.setViewportSize(PHONE);
  await settled(page);
  await holds(page, "phone");
});

test("from right to left, in another language, with the menu and the emoji open", async () => {
  const page = await open("hebrew", { dir: "rtl", lang: "de", viewport: PHONE });
  await holds(page, "hebrew");
  await page.getByRole("button", { name: "Emoji" }).click();
  await holds(page, "emoji");
  await page.keyboard.press("Escape");
  await page.locator("[data-mine]").hover();
  await page.locator("[data-mine] .ce-menu-button").click();
  await holds(page, "menu");
  await page.locator(".ce-message:not([data-mine]) .ce-menu-button").last().click();
  await holds(page, "menu of another");
});

test.each(["light", "dark"] as const)("what is asked before a message is deleted, %s", async (colorScheme) => {
  const page = await open("long-last", { colorScheme });
  for (const width of [900, 320]) {
    await page.setViewportSize({ width, height: 640 });
    await settled(page);
    await page.locator("[data-mine] .ce-menu-button").last().dispatchEvent("click");
    await page.getByRole("menuitem", { name: "Delete" }).dispatchEvent("click");
    await page.getByRole("alertdialog").waitFor();
    await holds(page, `asked, ${width}`);
    const box = await page.getByRole("alertdialog").boundingBox();
    expect((box?.x ?? -1) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    expect((box?.y ?? -1) + (box?.height ?? 0)).toBeLessThanOrEqual(640);
    await page.keyboard.press("Escape");
    // Gone, not only closed: what is closed is told of that a moment later.
    await page.locator("dialog").waitFor({ state: "detached" });
  }
});

test.each(["ltr", "rtl"] as const)("whatever a message's menu stands beside, all of it is seen, %s", async (dir) => {
  for (const width of [340, 600, 900]) {
    const page = await open("conversation", { dir, viewport: { width, height: 640 } });
    for (const button of await page.locator(".ce-menu-button").all()) {
      if (!(await button.evaluate((button) => button.getBoundingClientRect().top > 80))) continue;
      await button.dispatchEvent("click");
      await settled(page);
      await showsMenu(page, `${width}`);
      await page.keyboard.press("Escape");
      // The focus goes back to the message, and the list to where that is seen.
      await settled(page);
    }
    await page.context().close();
  }
});

test("a menu that opens at the edge of what is seen is brought into sight", async () => {
  for (const up of [50, 80, 110]) {
    const page = await open("conversation", { viewport: { width: 340, height: 640 } });
    await page.locator(".ce-list").evaluate((list, up) => {
      list.scrollTop = list.scrollHeight - list.clientHeight - up;
    }, up);
    await settled(page);
    await page.locator(".ce-menu-button").last().dispatchEvent("click");
    await settled(page);
    await showsMenu(page, `${up} from the end`);
    await page.context().close();
  }
});

test("a menu that opens downwards lies over the messages below it, and what is in it can be clicked", async () => {
  const page = await open("fifty");
  // By what it says: how many are drawn above it may change.
  const said = await page.locator(".ce-list").evaluate((list) => {
    const { top } = list.getBoundingClientRect();
    const texts = [...list.querySelectorAll(".ce-message-text")];
    return texts.find((text) => text.getBoundingClientRect().top > top)?.textContent ?? "";
  });
  const message = page.locator(".ce-message").filter({ has: page.getByText(said, { exact: true }) });
  await message.hover();
  await message.locator(".ce-menu-button").click();
  await page.locator(".ce-menu[data-place=below]").waitFor();
  for (const item of await page.getByRole("menuitem").all()) await item.click({ trial: true });
  await page.getByRole("menuitem", { name: "Reply" }).click();
  await page.locator(".ce-purpose").waitFor();
});

test("letters of twice the size fit on a phone, and can be written in", async () => {
  for (const state of ["conversation", "unread", "failed", "files", "reconnecting", "empty"]) {
    const page = await open(state, { viewport: { width: 380, height: 640 } });
    await page.evaluate(() => {
      document.documentElement.style.fontSize = "200%";
    });
    await page.getByRole("textbox").fill("Some words");
    await fits(page, state);
    const send = await page.getByRole("button", { name: "Send" }).boundingBox();
    expect((send?.x ?? 999) + (send?.width ?? 0)).toBeLessThanOrEqual(380);
    await page.context().close();
  }
});

test("who wants no motion sees none", async () => {
  for (const state of ["typing", "reconnecting", "loading"]) {
    const moving = await open(state);
    expect(await moving.evaluate(() => document.getAnimations().length), state).toBeGreaterThan(0);
    await moving.context().close();
    const still = await open(state, { reducedMotion: "reduce" });
    expect(await still.evaluate(() => document.getAnimations().length), state).toBe(0);
    await still.context().close();
  }
});

test("with colours of the system, and with much contrast", async () => {
  for (const look of [{ forcedColors: "active" }, { contrast: "more" }] as const) {
    const page = await open("conversation", look);
    await holds(page, JSON.stringify(look));
    const edges = await page.locator(".ce-bubble").evaluateAll((bubbles) =>
      bubbles.map((bubble) => {
        const { borderTopWidth, boxShadow } = getComputedStyle(bubble);
        return borderTopWidth !== "0px" || boxShadow !== "none";
      }),
    );
    expect(new Set(edges)).toEqual(new Set([true]));
    await page.context().close();
  }
});

test("who asks for much contrast has it in the dark as well", async () => {
  for (const way of ["device", "page"]) {
    const page = await open("conversation", { contrast: "more", colorScheme: way === "device" ? "dark" : "light" });
    if (way === "page") await page.evaluate(() => document.documentElement.setAttribute("data-theme", "dark"));
    const [muted, text] = await page.locator(".ce-room").evaluate((room) => {
      const style = getComputedStyle(room);
      return [style.getPropertyValue("--ce-muted"), style.getPropertyValue("--ce-text")];
    });
    expect(muted, way).toBe(text);
    await page.context().close();
  }
});

test("hostile text is text", async () => {
  const page = await open("hostile");
  const made = await page.locator(".ce-message-text :is(img, script, iframe, style)").count();
  const links = await page
    .locator(".ce-room a")
    .evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).protocol));
  expect(made).toBe(0);
  expect(links.length).toBeGreaterThan(0);
  expect(new Set(links)).toEqual(new Set(["https:"]));
  expect(await page.title()).toBe("Chat");
  await page.evaluate(() => document.querySelector(".ce-list")?.scrollTo(0, 0));
  await page.getByText('<img src=x onerror="document.title=1">').first().waitFor();
  // What turns the direction of letters round ends with its message.
  const time = page.locator(".ce-message time").first();
  expect(await time.evaluate((shown) => getComputedStyle(shown).direction)).toBe("ltr");
});

test("what the components say about why one cannot write", async () => {
  const page = await open("conversation");
  const says = async (what: string) => {
    await page.getByText(what).waitFor();
    expect(await page.getByRole("textbox").count()).toBe(0);
  };
  await page.evaluate(() =>
    window.change((chat) => ({ ...chat, room: chat.room && { ...chat.room, state: "frozen" } })),
  );
  await says("can be read, but not written in");
  await page.evaluate(() =>
    window.change((chat) => ({ ...chat, room: chat.room && { ...chat.room, state: "archived" } })),
  );
  await says("is archived");
  await page.evaluate(() =>
    window.change((chat) => ({
      ...chat,
      room: chat.room && { ...chat.room, state: "open" },
      my: chat.my && { ...chat.my, role: "observer" },
    })),
  );
  await says("You can read here, but not write");
  await page.evaluate(() =>
    window.change((chat) => ({
      ...chat,
      room: chat.room && { ...chat.room, kind: "channel" },
      my: chat.my && { ...chat.my, role: "member" },
    })),
  );
  await says("You can read here, but not write");
  await page.evaluate(() => window.change((chat) => ({ ...chat, my: chat.my && { ...chat.my, role: "admin" } })));
  await page.getByRole("textbox").waitFor();
  await page.evaluate(() => window.change((chat) => ({ ...chat, status: "gone" })));
  await page.getByText("is not available").first().waitFor();
  expect(await page.getByRole("textbox").count()).toBe(0);
});

test("who types is said", async () => {
  const page = await open("typing");
  const says = page.locator(".ce-typing[aria-live=polite]");
  expect(await says.textContent()).toBe("Ben Okafor is typing…");
  const typed = (...names: string[]) =>
    page.evaluate(
      (names) =>
        window.change((chat) => ({
          ...chat,
          typingUsers: names.map((name) => ({ user_id: name, name, isKnown: true })),
        })),
      names,
    );
  await typed("Ben", "Ida");
  expect(await says.textContent()).toBe("Ben and Ida are typing…");
  await typed("Ben", "Ida", "Clara");
  expect(await says.textContent()).toBe("Several people are typing…");
  await typed();
  expect(await says.textContent()).toBe("");
});
