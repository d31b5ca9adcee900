/** What is made of texts, days and addresses before they are shown. */

import { describe, expect, test } from "vitest";
import { initials } from "../../src/components/Avatar.js";
import { linkify } from "../../src/components/linkify.js";
import { excerpt } from "../../src/components/Quote.js";
import { safeUrl } from "../../src/components/safe-url.js";
import { english, german } from "../../src/components/texts.js";
import { briefly, clock, dayName } from "../../src/components/time.js";
import type { ChatMessage } from "../../src/types.js";

describe("addresses within a text", () => {
  const links = (text: string) => linkify(text).flatMap(({ text, href }) => (href === undefined ? [] : [[text, href]]));

  test.each([
    ["see https://example.com/a?b=c#d.", "https://example.com/a?b=c#d"],
    ["(https://example.com/a)", "https://example.com/a"],
    ["https://en.wikipedia.org/wiki/Rust_(language)", "https://en.wikipedia.org/wiki/Rust_(language)"],
    ["(https://en.wikipedia.org/wiki/Rust_(language))!", "https://en.wikipedia.org/wiki/Rust_(language)"],
    ["“https://example.com/x”, he said", "https://example.com/x"],
    ["HTTP://EXAMPLE.COM", "HTTP://EXAMPLE.COM"],
    ["https://例え.jp/道?", "https://例え.jp/道"],
    ["https://example.com/\u{1F9F9} clean", "https://example.com/\u{1F9F9}"],
  ])("%s", (text, address) => {
    expect(links(text)).toEqual([[address, address]]);
  });

  test("a site without https, and mail", () => {
    expect(links("www.example.com, or ann+jobs@example.co.uk.")).toEqual([
      ["www.example.com", "https://www.example.com"],
      ["ann+jobs@example.co.uk", "mailto:ann+jobs@example.co.uk"],
    ]);
  });

  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt://example.com/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "vbscript:x",
    "https://",
    "http://[",
    "nobody@",
    "@everybody",
    "1.5",
    "end.Then",
  ])("%s is none", (text) => {
    expect(links(text)).toEqual([]);
  });

  test("whatever it finds, the text is the text", () => {
    for (const text of [
      "",
      "\n",
      'a "https://x.y/" <https://x.y> b',
      "https://a.b/((((",
      "www.www.www.",
      "\u202Ehttps://x.y\u202C",
    ])
      expect(
        linkify(text)
          .map(({ text }) => text)
          .join(""),
      ).toBe(text);
  });
});

test.each([
  ["https://example.com/a.png", true],
  ["http://example.com", true],
  ["/files/1", true],
  ["//example.com/a.png", false],
  ["/\\example.com", false],
  ["javascript:alert(1)", false],
  [" javascript:alert(1)", false],
  ["data:image/svg+xml,<svg/>", false],
  ["https://", false],
  ["files/1", false],
])("%s may be fetched: %s", (url, safe) => {
  expect(safeUrl(url)).toBe(safe ? url : undefined);
});

test.each([
  ["Ann Alder", "AA"],
  ["ann@test.com", "AC"],
  ["Ann Maria von Alder", "AA"],
  ["ann", "A"],
  ["", ""],
  ["שלום קלרה", "שק"],
  ["🧹 Ben", "🧹B"],
])("the initials of %s are %s", (name, letters) => {
  expect(initials(name)).toBe(letters);
});

test("what a message says in one line: its text, or what its file is called", () => {
  const attachments = [{ name: "plan.svg", content_type: "image/svg+xml", size: 900, url: "/plan.svg" }];
  const says = (message: object) => excerpt(message as ChatMessage, "Gone");
  expect(says({ content: "The plan", attachments })).toBe("The plan");
  expect(says({ content: "", attachments })).toBe("plan.svg");
  expect(says({ attachments })).toBe("plan.svg");
  expect(says({ content: "" })).toBe("");
  expect(says({ attachments, deleted_at: "2026-11-25T11:00:00Z" })).toBe("Gone");
});

test("days have names as long as they are near", () => {
  const now = new Date(2026, 10, 25, 0, 30);
  const at = (day: number, hour = 12) => new Date(2026, 10, day, hour).toISOString();
  expect(dayName(at(25), "en", now)).toBe("Today");
  expect(dayName(at(24, 23), "en", now)).toBe("Yesterday");
  expect(dayName(at(24, 0), "de", now)).toBe("Gestern");
  expect(dayName(at(19), "en", now)).toBe("Thursday");
  expect(dayName(at(18), "en", now)).toBe("November 18, 2026");
  // A clock that is behind the server's.
  expect(dayName(at(26), "en", now)).toBe("November 26, 2026");
  expect(briefly(at(25), "en", now)).toBe(clock(at(25), "en"));
  expect(briefly(at(24), "en", now)).toBe("Tue");
  expect(briefly(at(18), "en", now)).toBe("Nov 18");
  expect(briefly(at(18), "de", now)).toBe("18. Nov.");
  expect(clock(at(25, 14), "de")).toBe("14:00");
});

test("the texts of both languages are about the same things", () => {
  expect(Object.keys(german).sort()).toEqual(Object.keys(english).sort());
  for (const texts of [english, german]) {
    expect(texts.typing(["Ann", "Ben"], 2)).toMatch(/Ann.*Ben/);
    // Where not all are known, how many they are says more than some of the names.
    expect(texts.typing(["Ann"], 2)).toMatch(/^2 /);
    expect(texts.typing([], 1)).not.toContain("undefined");
    expect(texts.failed("sent", "forbidden")).toContain(texts.failed("sent", undefined));
    expect(texts.failed("sent", "forbidden")).not.toBe(texts.failed("sent", "message_too_large"));
    expect(texts.failed("changed", "busy")).not.toContain("undefined");
    expect(texts.newMessages(1)).not.toBe(texts.newMessages(2).replace("2", "1"));
    expect(texts.closed("unauthorized")).not.toBe(texts.closed(undefined));
    expect(texts.tooLong(17_000, 16_384)).toContain("616");
  }
});
