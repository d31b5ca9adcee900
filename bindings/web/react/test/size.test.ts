/** The hooks stay small, and bring nothing but React and the client. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("the hooks have at most 4 kB, gzipped, beside React and the client", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, "../src/index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    external: ["react", "@chat-engine/client"],
    write: false,
    metafile: true,
  });
  const imports = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  expect(new Set(imports)).toEqual(new Set(["react", "react/jsx-runtime", "@chat-engine/client"]));
  const bytes = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThanOrEqual(4_000);
});

test("a framework that renders on a server is told that the package is for the browser", async () => {
  const built = await readFile(join(import.meta.dirname, "../dist/index.js"), "utf8");
  expect(built).toMatch(/^"use client";/);
});
