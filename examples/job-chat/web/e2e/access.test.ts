/** Who may be there, and for how long: tokens that end, sessions that end, jobs that are given to somebody else. */

import { expect, test } from "vitest";
import { stage } from "./support/stage.js";

// Tokens that have to be replaced every few seconds, with as many left for a machine that is busy.
const set = stage("--chat-token-seconds", "8");

test("a token that ends is replaced on the connection that there is", async () => {
  const client = await set.visitor("client1");
  let sockets = 0;
  const tokens: string[] = [];
  const addresses: string[] = [];
  client.page.on("request", (request) => addresses.push(request.url()));
  client.page.on("websocket", (socket) => {
    sockets += 1;
    addresses.push(socket.url());
    socket.on("framesent", ({ payload }) => {
      const { action, token } = JSON.parse(String(payload));
      if (action === "authenticate") tokens.push(token);
    });
  });
  await client.opensChat(42);
  await expect.poll(() => tokens.length).toBeGreaterThanOrEqual(3);
  await client.says("still here");
  await client.seesTick("still here", "Sent");
  expect(sockets).toBe(1);
  // Addresses end up in logs: none has a token in it.
  expect(addresses.length).toBeGreaterThan(1);
  expect(addresses.filter((address) => tokens.some((token) => address.includes(token)))).toEqual([]);
});

test("whoever is logged out elsewhere is asked to log in, when the token ends", async () => {
  const client = await set.visitor("client1");
  await client.opensChat(42);
  expect((await client.context.request.post("/api/logout")).status()).toBe(204);
  await client.page.waitForURL("**/login");
});

test("a job that is given to another cleaner takes its chat along", async () => {
  const [client, before, after] = await Promise.all(["client1", "cleaner1", "cleaner2"].map((who) => set.visitor(who)));
  if (!client || !before || !after) throw new Error("three people");
  await before.opensChat(43);
  await before.says("I cannot come, sorry");
  await before.seesTick("I cannot come, sorry", "Sent");
  await after.page.goto("/");
  await after.page.locator("[data-job='44']").waitFor();
  await client.page.goto("/");
  await client.page.locator("[data-job='43']").click();
  await client.page.getByRole("button", { name: "Give it to Lina Sato instead" }).click();
  await before.page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await after.page.locator("[data-job='43']").click();
  await after.page.getByRole("dialog").getByRole("link", { name: "Chat" }).click();
  await after.sees("I cannot come, sorry");
  await after.note("Clara Novak gave the job to Lina Sato").waitFor();
});
