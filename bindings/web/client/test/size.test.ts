/** The package stays small, needs nothing at run time, and works without a bundler. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

const src = (name: string) => fileURLToPath(new URL(`../src/${name}`, import.meta.url));

async function gzipped(name: string): Promise<number> {
  const { outputFiles, metafile } = await build({
    entryPoints: [src(name)],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
  });
  // Everything that is in it is our own.
  const foreign = Object.keys(metafile.inputs).filter((input) => !input.includes("src/"));
  expect(foreign).toEqual([]);
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
}

test("the core has at most 12 kB, gzipped", async () => {
  const bytes = await gzipped("index.ts");
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThanOrEqual(12_000);
});

test("the lasting outbox is a separate import of at most 2 kB, and brings nothing of the core", async () => {
  expect(await gzipped("outbox-indexeddb.ts")).toBeLessThanOrEqual(2_000);
});

test("the fallback is a separate import of at most 2 kB, and brings nothing of the core", async () => {
  expect(await gzipped("fallback.ts")).toBeLessThanOrEqual(2_000);
});

test("the package has no dependency at run time", async () => {
  const manifest = JSON.parse(await readFile(fileURLToPath(new URL("../package.json", import.meta.url)), "utf8"));
  expect(manifest.dependencies).toBeUndefined();
  expect(manifest.peerDependencies).toBeUndefined();
});

test("the lock file names no registry", async () => {
  const lock = JSON.parse(await readFile(fileURLToPath(new URL("../../package-lock.json", import.meta.url)), "utf8"));
  const packages = Object.values(lock.packages) as { resolved?: string; link?: boolean }[];
  expect(packages.filter(({ resolved, link }) => resolved !== undefined && !link)).toEqual([]);
});
