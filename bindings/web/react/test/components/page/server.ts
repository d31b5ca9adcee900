/** Serves the pages as a strict host would: nothing inline, nothing from elsewhere but the chat. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src ws://127.0.0.1:* http://127.0.0.1:*";
const PLAN =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 260"><rect width="480" height="260" fill="#cfdcf5"/><path d="M60 40h360v180H60zM240 40v90M60 150h130m60 0h170" fill="none" stroke="#33507f" stroke-width="8"/></svg>';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** As it is built for those who work on a page, with React's complaints and everything done twice; or for its visitors. */
export type Build = "development" | "production";

/** Starts it; returns its address and how to end it. */
export async function serve(how: Build): Promise<{ url: string; stop: () => Promise<void> }> {
  const { outputFiles } = await build({
    entryPoints: [here("page.tsx"), here("live.tsx")],
    outdir: "/",
    bundle: true,
    format: "esm",
    jsx: "automatic",
    write: false,
    define: { "process.env.NODE_ENV": `"${how}"` },
  });
  const script = (name: string) => outputFiles.find(({ path }) => path.endsWith(name))?.text ?? "";
  const html = await readFile(here("index.html"), "utf8");
  const files: Readonly<Record<string, readonly [type: string, body: string]>> = {
    "/": ["text/html", html],
    "/live": ["text/html", html.replace("/page.js", "/live.js")],
    "/page.js": ["text/javascript", script("/page.js")],
    "/live.js": ["text/javascript", script("/live.js")],
    "/page.css": ["text/css", await readFile(here("page.css"), "utf8")],
    "/styles.css": ["text/css", await readFile(here("../../../styles.css"), "utf8")],
    "/plan.svg": ["image/svg+xml", PLAN],
    "/favicon.ico": ["image/svg+xml", PLAN],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[new URL(request.url ?? "/", "http://page").pathname] ?? [];
    response.writeHead(type ? 200 : 404, { "content-type": type ?? "text/plain", "content-security-policy": POLICY });
    response.end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const stop = () =>
    new Promise<void>((stopped) => {
      server.closeAllConnections();
      server.close(() => stopped());
    });
  return { url: `http://127.0.0.1:${port}/`, stop };
}
