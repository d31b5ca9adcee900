/** The list of rooms, where the server cannot bring it yet. */

import { expect, test } from "vitest";
import { ChatError, when } from "../src/index.js";
import { RoomList } from "../src/rooms.js";

test("a list that the server wants to be asked for later is asked for again", async () => {
  let asked = 0;
  const request = async (_action: string, _fields: object, take: (page: object) => void) => {
    asked += 1;
    if (asked === 1) throw new ChatError("busy", "come back later", "later", 50);
    const page = { results: [], next: null };
    take(page);
    return page;
  };
  const list = new RoomList({ request } as never, () => expect.unreachable("there is no room"));
  list.subscribe(() => {});
  await when(list, ({ status }) => status === "live");
  expect(asked).toBe(2);
});
