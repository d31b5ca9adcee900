/** What a room is called on the server. */

import type { RoomRef } from "./types.js";

const ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** A job's number is the key with `prefix` before it; an id and a key are what they are. */
export function roomName(room: RoomRef, prefix: string): string {
  const name = String(room);
  if (/^\d+$/.test(name)) return prefix + name;
  return ID.test(name) ? name.toLowerCase() : name;
}
