/** Tokens as a host's back end signs them. */

import { createHmac } from "node:crypto";

export const SECRET = "a secret for tests only, 32 bytes or more";

const encode = (value: object | Buffer) =>
  (value instanceof Buffer ? value : Buffer.from(JSON.stringify(value))).toString("base64url");

/** A token for a user, valid for so many seconds. */
export function token(sub: string, seconds = 3600, claims: object = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub, iat: now, exp: now + seconds, ...claims })}`;
  return `${signed}.${encode(createHmac("sha256", SECRET).update(signed).digest())}`;
}

/** The back end's own token, which may everything. */
export const service = () => token("host", 3600, { role: "service" });
