// What the peer answers over HTTP.

import { info, Refusal } from './chat.mjs';
import { bearer, claims } from './token.mjs';

/** A frame and a body, in bytes. */
export const FRAME_BYTES = 128 * 1024;

const PATH = /^\/api\/chatrooms\/(?:([^/]+)\/(messages|send_message|participants)\/(?:([^/]+)\/)?)?$/;

/** Answers the requests of HTTP to `chat`, from those who show a token made with `secret`. */
export function answering(chat, secret) {
  return async (request, response) => {
    try {
      const [path, query] = request.url.split('?');
      const [whole, key, what, user] = path.match(PATH) ?? [];
      const route = whole && `${request.method} ${what ?? 'rooms'}`;
      const parameters = new URLSearchParams(query);
      if (route === 'POST rooms') reply(response, 201, makeRoom(await read(request), request));
      else if (route === 'GET rooms') reply(response, 200, list(request, parameters));
      else if (route === 'GET messages') replyText(response, 200, page(request, key, parameters));
      else if (route === 'POST send_message') await send(request, response, key);
      else if (route === 'DELETE participants' && user) reply(response, 200, remove(request, key, user));
      else throw new Refusal(404, 'not_found');
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(400, 'malformed');
      reply(response, refusal.status, refusal.body);
    }
  };

  function makeRoom({ key, participants }, request) {
    checkService(request);
    return info(chat.makeRoom(key, participants));
  }

  function remove(request, key, user) {
    checkService(request);
    chat.remove(chat.member(key, user));
    return {};
  }

  function checkService(request) {
    if (claims(bearer(request), secret)?.role !== 'service') throw new Refusal(403, 'forbidden');
  }

  function list(request, parameters) {
    return { results: chat.list(authenticated(request, secret), limitOf(parameters)), next: null };
  }

  function page(request, key, parameters) {
    const member = chat.member(key, authenticated(request, secret));
    const limit = limitOf(parameters);
    const before = Number(parameters.get('before') ?? Number.MAX_SAFE_INTEGER);
    if (!Number.isSafeInteger(before)) throw new Refusal(400, 'invalid_argument');
    const results = chat.page(member, before, limit);
    const last = results.length === limit ? JSON.parse(results[limit - 1]).seq : 1;
    const next = last > 1 ? `"before=${last}&limit=${limit}"` : null;
    return `{"results":[${results.join(',')}],"next":${next}}`;
  }

  /** Resolves when it is answered. */
  async function send(request, response, key) {
    const member = chat.member(key, authenticated(request, secret));
    const { content, client_id } = await read(request);
    const { repeated, json } = await new Promise((done, failed) => {
      chat.send({ member, content, client_id, done, failed });
    });
    replyText(response, repeated ? 200 : 201, json);
  }
}

/** Who asks. */
export function authenticated(request, secret) {
  const { sub } = claims(bearer(request), secret) ?? {};
  if (typeof sub !== 'string') throw new Refusal(401, 'unauthorized');
  return sub;
}

function limitOf(parameters) {
  const limit = Number(parameters.get('limit') ?? 50);
  if (!Number.isSafeInteger(limit)) throw new Refusal(400, 'invalid_argument');
  return Math.min(Math.max(limit, 1), 200);
}

async function read(request) {
  let text = '';
  request.setEncoding('utf8');
  for await (const part of request) {
    text += part;
    if (text.length > FRAME_BYTES) throw new Refusal(413, 'body_too_large');
  }
  return JSON.parse(text);
}

function reply(response, status, body) {
  replyText(response, status, JSON.stringify(body));
}

function replyText(response, status, text) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
