/** However hostile a text is, its addresses are found at once: everybody in the room has to draw it. */

import { expect, test } from "vitest";
import { linkify } from "../../src/components/linkify.js";

/** As long as a message may be. */
const BYTES = 16_384;
/** Far more than is needed, and far less than what can be felt. */
const AT_ONCE_MS = 250;

const filled = (start: string, part: string, end = "") =>
  start + part.repeat(Math.floor((BYTES - start.length - end.length) / part.length)) + end;

test.each([
  ["closing brackets", filled("http://a", ")")],
  ["closing brackets, and a letter", filled("http://", ")", "a")],
  ["pairs of brackets", filled("http://a", "()", "))")],
  ["full stops", filled("http://", ".")],
  ["the start of an address", filled("", "http://")],
  ["the start of a short address", filled("", "www.")],
  ["words of an address that never comes", filled("", "a-")],
  ["what could be mail", filled("a@", "b.")],
  ["mail within mail", filled("", "a@b.")],
  ["many addresses", filled("", "http://a.b ")],
])("%s", (_, text) => {
  // The quickest of a few: what else the machine does takes time now and then, and a slow search each time.
  const took = Array.from({ length: 5 }, () => {
    const begun = performance.now();
    linkify(text);
    return performance.now() - begun;
  });
  expect(Math.min(...took)).toBeLessThan(AT_ONCE_MS);
  const parts = linkify(text);
  expect(parts.map(({ text }) => text).join("")).toBe(text);
});

test("what ends a sentence is no part of an address, and a bracket is one if it was opened there", () => {
  const addresses = (text: string) => linkify(text).flatMap(({ text, href }) => (href ? [text] : []));
  expect(addresses("See https://e.com/a_(b)).")).toEqual(["https://e.com/a_(b)"]);
  expect(addresses("(https://e.com/a_(b)_c, or https://e.com?)")).toEqual(["https://e.com/a_(b)_c", "https://e.com"]);
  expect(addresses("https://e.com/).) https://e.com/(…)")).toEqual(["https://e.com/", "https://e.com/(…)"]);
  expect(addresses("http://).. www. http://")).toEqual([]);
});
