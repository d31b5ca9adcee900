/** What the README says of the style sheet is what it has, and what the components use. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const HERE = join(import.meta.dirname, "../..");
const read = (path: string) => readFile(join(HERE, path), "utf8");

const [css, readme] = await Promise.all([read("styles.css"), read("README.md")]);
const styling = readme.slice(readme.indexOf("## Styling"), readme.indexOf("## Texts"));
const rows = styling.split("\n").filter((line) => line.startsWith("|"));
const found = (text: string, what: RegExp) => [...new Set([...text.matchAll(what)].map(([all]) => all))].sort();

test("every variable stands in the README, with the value that it has", () => {
  const first = css.slice(css.indexOf("{", css.indexOf("@layer chat-engine {") + 20), css.indexOf("color-scheme"));
  const has = [...first.matchAll(/(--ce-[a-z-]+): ([^;]+);/g)].map(([, name, value]) => [name, value]);
  const says = rows
    .map((row) => /^\| `(--[a-z-]+)` *\| `([^`]+)` *\|/.exec(row))
    .flatMap((row) => (row ? [row.slice(1)] : []));
  expect(has.length).toBeGreaterThan(20);
  expect(says).toEqual(has);
});

test("where it is dark, nothing has a value that has none where it is light, and both ways to it agree", () => {
  const blocks = [...css.matchAll(/\{([^{}]*)color-scheme: dark;/g)].map(([, block = ""]) =>
    block
      .split(";")
      .map((line) => line.trim())
      .filter((line) => line.startsWith("--")),
  );
  expect(blocks).toHaveLength(2);
  expect(blocks[0]).toEqual(blocks[1]);
  for (const line of blocks[0] ?? []) expect(styling).toContain(`\`${line.split(":")[0]}\``);
});

test("every class of the style sheet and of the components stands in the README", async () => {
  const says = found(rows.join("\n"), /(?<=`)ce-[a-z-]+(?=`)/g);
  expect(says).toEqual(found(css, /(?<=\.)ce-[a-z-]+/g));
  const folder = join(HERE, "src/components");
  const sources = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), "utf8")));
  const used = sources.flatMap((source) => found(source, /(?<=className=["{`]+[^"`]*)\bce-[a-z-]+/g));
  expect([...new Set(used)].sort()).toEqual(says);
});

test("no rule forces itself upon the host's", () => {
  expect(css).not.toContain("!important");
  const rules = css.replace(/\/\*.*?\*\//su, "").trim();
  expect(rules).toMatch(/^@layer chat-engine \{.*\}$/su);
});

test("the initials of everybody can be read, whatever their colour is", () => {
  const colours = [...css.matchAll(/\[data-colour="\d"\] \{\s*--ce-hue: (\d+);\s*(?:--ce-light: (\d+)%;)?/g)];
  expect(colours).toHaveLength(8);
  for (const [rule, hue, light = "40"] of colours) {
    // White on it, as WCAG reckons: 4.5 is enough for small letters.
    expect(1.05 / (luminance(Number(hue), 0.45, Number(light) / 100) + 0.05), rule).toBeGreaterThanOrEqual(4.5);
  }
});

/** Of a colour that is given by hue, saturation and lightness. */
function luminance(hue: number, saturation: number, light: number): number {
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    const value = light - saturation * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(0) + 0.7152 * channel(8) + 0.0722 * channel(4);
}
