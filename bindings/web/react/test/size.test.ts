/** The hooks and the components stay small, and the hooks bring nothing but React and the client. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** What an entry of the package brings, minified and gzipped, and what it takes from elsewhere. */
async function size(entry: string, ...external: string[]): Promise<{ bytes: number; imports: Set<string> }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, "../src", entry)],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    external: ["react", "react-dom", "@chat-engine/client", ...external],
    write: false,
    metafile: true,
  });
  const imports = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  return { bytes: gzipped(outputFiles[0]?.contents ?? ""), imports: new Set(imports) };
}

const gzipped = (contents: string | Uint8Array) => gzipSync(contents, { level: 9 }).length;

test("the hooks have at most 4 kB, gzipped, beside React and the client", async () => {
  const { bytes, imports } = await size("index.ts");
  expect(imports).toEqual(new Set(["react", "react/jsx-runtime", "@chat-engine/client"]));
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThanOrEqual(4_000);
});

test("the components are as small as the README says, the list's virtua counted", async () => {
  const all = await size("components/index.ts");
  const { bytes: own } = await size("components/index.ts", "virtua");
  const styles = gzipped(await readFile(join(import.meta.dirname, "../styles.css")));
  process.stdout.write(
    `components: ${all.bytes} B gzipped with hooks and virtua (virtua ${all.bytes - own}), styles ${styles} B\n`,
  );
  expect([...all.imports].filter((path) => !/^react|^@chat-engine\/client$/.test(path))).toEqual([]);
  const readme = await readFile(join(import.meta.dirname, "../README.md"), "utf8");
  const [whole, virtua, sheet] = [...readme.matchAll(/at most ([\d.]+) kB/g)].map(([, kilo]) => Number(kilo) * 1_000);
  expect(all.bytes).toBeLessThanOrEqual(whole ?? 0);
  expect(all.bytes - own).toBeLessThanOrEqual(virtua ?? 0);
  expect(styles).toBeLessThanOrEqual(sheet ?? 0);
  expect(all.bytes).toBeGreaterThan((whole ?? 0) / 2);
});

test("a framework that renders on a server is told that the package is for the browser", async () => {
  const built = await readFile(join(import.meta.dirname, "../dist/index.js"), "utf8");
  expect(built).toMatch(/^"use client";/);
});
