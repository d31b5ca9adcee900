// Who somebody is: a JWT signed with HS256, checked whenever it is shown.

import { createHmac, timingSafeEqual } from 'node:crypto';

/** The claims of a token that is genuine and not over; otherwise nothing. */
export function claims(token, secret) {
  const [header, payload, signature] = token.split('.');
  if (signature === undefined) return undefined;
  const right = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
  const shown = Buffer.from(signature, 'base64url');
  if (shown.length !== right.length || !timingSafeEqual(shown, right)) return undefined;
  const { alg } = JSON.parse(Buffer.from(header, 'base64url'));
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  return alg === 'HS256' && claims.exp > Date.now() / 1000 ? claims : undefined;
}

/** The token that a request bears. */
export function bearer(request) {
  return request.headers.authorization?.match(/^Bearer (.+)$/)?.[1] ?? '';
}
