/** How often a token is asked for, whatever the device's clock says. */

import { afterEach, expect, test, vi } from "vitest";
import { ChatClient } from "../src/index.js";
import { token } from "./support/token.js";

afterEach(() => vi.useRealTimers());

test.each([
  ["with the moment at which it was made", {}],
  ["without it", { iat: undefined }],
])("on a device whose clock is an hour ahead, a token %s is used for a while", async (_, claims) => {
  let asked = 0;
  const chat = new ChatClient({
    url: "wss://chat.example.com/ws/",
    token: () => {
      asked += 1;
      return signed;
    },
    environment: { fetch: async () => Response.json({ room: "r", seq: 1 }) },
  });
  // What needs a token, and no connection.
  const use = () =>
    chat
      .room("job:42")
      .jumpTo("m1")
      .catch(() => {});
  const signed = token("ann", 600, claims);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  await use();
  vi.setSystemTime(Date.now() + 59_000);
  await use();
  expect(asked).toBe(1);
});
