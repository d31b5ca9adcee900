// A small client of the chat protocol: one socket, a list of rooms, one of them open.
// Everything that a person wrote reaches the page through `textContent`.

const $ = (id) => document.getElementById(id);
const MAX_FRAMES = 200;
const TYPING_EVERY_MS = 2_000;

/** Makes an element: `el("li", { className: "x" }, "text", child)`. */
function el(tag, fields = {}, ...children) {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
}

const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

// ---- signing in -------------------------------------------------------------------------------------------------

/** The token and room from `/#token=…&room=…`; the fragment is never sent, and does not stay in the address bar. */
function fromFragment() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const found = { token: fragment.get("token"), room: fragment.get("room") };
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return found;
}

const me = { id: null, token: null, wanted: null };

function signIn(token, room) {
  signOut();
  me.token = token.trim();
  me.wanted = room || null;
  // For a reload of this tab; other tabs do not see it.
  sessionStorage.setItem("token", me.token);
  $("sign-in").hidden = true;
  $("chat").hidden = false;
  $("sign-out").hidden = false;
  connect();
}

function signOut(problem = "") {
  wire.stop();
  sessionStorage.removeItem("token");
  rooms.clear();
  outbox.length = 0;
  Object.assign(me, { id: null, token: null, wanted: null });
  open = null;
  $("me").textContent = "";
  $("text").value = "";
  $("frames").replaceChildren();
  $("sign-in-problem").textContent = problem;
  $("sign-in").hidden = false;
  $("chat").hidden = true;
  $("sign-out").hidden = true;
  showState("out", "signed out");
  show();
}

// ---- the wire: frames, answers by `ref`, and coming back --------------------------------------------------------

const wire = {
  socket: null, heard: 0, refs: 0, waiting: new Map(), attempt: 0, timer: null, retryAfter: null, heartbeat: 25, fatal: null,

  /** Sends a command; resolves with its `ok`, rejects with its error. */
  ask(action, fields = {}) {
    return new Promise((resolve, reject) => {
      if (!me.ready || this.socket?.readyState !== WebSocket.OPEN) return reject({ code: "offline", message: "not connected", retry: "later" });
      const ref = ++this.refs;
      this.waiting.set(ref, { resolve, reject });
      this.write({ action, ref, ...fields });
    });
  },

  /** Sends a command whose answer nobody needs. */
  tell(action, fields) {
    this.ask(action, fields).catch(() => {});
  },

  write(frame) {
    const text = JSON.stringify(frame);
    this.socket.send(text);
    watch.frame("→", text);
  },

  stop() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    this.attempt = 0;
    socket?.close();
    this.lose();
  },

  /** Whatever was asked will not be answered any more. */
  lose() {
    me.ready = false;
    for (const { reject } of this.waiting.values()) reject({ code: "offline", message: "the connection was lost", retry: "later" });
    this.waiting.clear();
  },
};

function connect() {
  clearTimeout(wire.timer);
  showState("connecting", wire.attempt ? "reconnecting …" : "connecting …");
  const url = new URL("ws/", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  let socket;
  try {
    socket = new WebSocket(url, ["chat.v1", `bearer.${me.token}`]);
  } catch {
    return signOut("That is not a token.");
  }
  wire.socket = socket;
  wire.heard = Date.now();
  wire.retryAfter = wire.fatal = null;
  socket.onmessage = ({ data }) => {
    if (socket !== wire.socket) return;
    wire.heard = Date.now();
    watch.frame("←", data);
    receive(JSON.parse(data));
  };
  socket.onclose = (event) => {
    if (socket === wire.socket) closed(event);
  };
}

async function closed({ code, reason }) {
  const wasReady = me.ready;
  const { token } = me;
  wire.lose();
  if (code === 3003) return signOut("The token has ended. Sign in with a new one.");
  if (code >= 3500 && code < 4000) return signOut(`The server closed the connection: ${wire.fatal ?? reason}.`);
  if (!wasReady) {
    // A browser does not say why an upgrade was refused; a request does.
    const answer = await fetch("api/chatrooms/?limit=1", { headers: { authorization: `Bearer ${token}` } }).catch(() => null);
    if (token !== me.token) return;
    if (answer?.status === 401) return signOut((await answer.json().catch(() => ({}))).message ?? "The token was refused.");
  }
  const backoff = Math.min(30_000, 500 * 2 ** wire.attempt++) * (0.5 + Math.random() / 2);
  const delay = Math.max(wire.retryAfter ?? 0, backoff);
  showState("lost", `offline; trying again in ${Math.ceil(delay / 1_000)} s`);
  wire.timer = setTimeout(connect, delay);
}

/** A connection can die without a word; the server pings, but pages cannot see that. */
setInterval(() => {
  const silent = Date.now() - wire.heard;
  if (!me.ready || silent < wire.heartbeat * 1_000) return;
  if (silent > wire.heartbeat * 1_000 + 10_000) wire.socket.close(); else wire.tell("ping");
}, 5_000);

addEventListener("online", () => {
  if (me.token && !me.ready) connect();
});

function showState(state, text) {
  $("state").dataset.state = state;
  $("state").textContent = text;
}

// ---- rooms ------------------------------------------------------------------------------------------------------

/** Room id → what this page knows of it. */
const rooms = new Map();
/** The room that is open. */
let open = null;
/** Sends that are not acknowledged: they are repeated under their `client_id`, which posts them once. */
const outbox = [];

function roomOf(info) {
  let room = rooms.get(info.id);
  if (!room) {
    room = {
      info, unread: 0, seq: 0, last: null, my: null, cursor: null, rev: null, loaded: false, more: false, loading: false,
      messages: new Map(), people: new Map(), markers: new Map(), present: [], typing: [], told: 0, read: 0,
    };
    rooms.set(info.id, room);
  }
  return room;
}

/** Takes over a room as the server lists it. */
function takeRoom(listed) {
  const room = roomOf(listed);
  room.info = listed;
  room.unread = listed.unread_count;
  room.seq = Math.max(room.seq, listed.last_seq);
  room.last = listed.last_message;
  room.my = listed.my;
  // Where messages are shown, only what was shown moves the cursor.
  if (!room.loaded) room.cursor = listed.cursor;
  return room;
}

const title = (room) => room.info.name ?? (room.info.kind === "direct" && others(room).map((p) => nameOf(room, p.user_id)).join(", ") || room.info.key || room.info.id);
const nameOf = (room, user) => room.people.get(user)?.name ?? user;
const others = (room) => [...room.people.values()].filter((person) => person.user_id !== me.id);

async function begin(ready) {
  me.id = ready.user_id;
  me.ready = true;
  wire.attempt = 0;
  wire.heartbeat = ready.heartbeat_s;
  $("me").textContent = me.id ?? "the service: watching";
  showState("connecting", "catching up …");
  const { results } = await wire.ask("list_rooms", { limit: Math.min(ready.limits.page, ready.limits.subscribe_rooms) });
  const listed = new Set(results.map((room) => room.id));
  for (const id of rooms.keys()) if (!listed.has(id)) forget(id);
  await subscribe(results.map(takeRoom));
  showState("on", "connected");
  // A direct room is named after the other one.
  for (const room of rooms.values()) if (room.info.kind === "direct" && !room.info.name && !room.people.size) meet(room).catch(() => {});
  const wanted = me.wanted && [...rooms.values()].find(({ info }) => info.key === me.wanted || info.id === me.wanted);
  if (me.wanted && !wanted) $("pick").textContent = `There is no room ${me.wanted} for you.`;
  me.wanted = null;
  if (wanted) openRoom(wanted); else if (open) seen(open);
  for (const entry of [...outbox]) if (!entry.failed) post(entry);
  show();
}

/** Opens rooms from where this page left them, until nothing is missing. */
async function subscribe(list) {
  while (list.length) {
    const { rooms: answers } = await wire.ask("subscribe", { rooms: list.map(({ info, cursor }) => ({ room: info.id, cursor })) });
    list = [];
    for (const answer of answers) {
      const room = rooms.get(answer.room);
      if (!room) continue;
      if (answer.gone) {
        forget(answer.room);
        continue;
      }
      room.rev = answer.rev;
      if (answer.snapshot) takeSnapshot(room, answer.snapshot);
      for (const event of answer.changes ?? []) change(room, event);
      room.cursor = answer.cursor;
      for (const marker of answer.markers) room.markers.set(marker.user_id, marker);
      room.present = answer.present;
      room.typing = answer.typing;
      if (answer.more) list.push(room);
    }
  }
}

function takeSnapshot(room, { room: listed, participants, messages }) {
  takeRoom(listed);
  room.people = new Map(participants.map((person) => [person.user_id, person]));
  room.messages = new Map(messages.map((message) => [message.seq, message]));
  room.more = messages.length > 0 && messages[0].seq > 1;
  room.loaded = true;
}

function forget(id) {
  rooms.delete(id);
  if (open?.info.id === id) {
    open = null;
    $("pick").textContent = "You are no longer in that room.";
  }
}

async function openRoom(room) {
  stopTyping();
  open = room;
  editing = null;
  $("text").value = room.draft ?? "";
  show();
  $("text").focus();
  if (!room.loaded) {
    room.loaded = true;
    const page = await Promise.all([wire.ask("history", { room: room.info.id }), meet(room)]).then(([page]) => page, problem);
    if (!page) return void (room.loaded = false);
    for (const message of page.results) put(room, message);
    room.more = page.next !== null;
  }
  show();
  toEnd();
  seen(room);
}

async function meet(room) {
  const { results } = await wire.ask("list_participants", { room: room.info.id, limit: 200 });
  for (const person of results) takePerson(room, person);
  show();
}

function takePerson(room, person) {
  room.people.set(person.user_id, person);
  advance(room, person.user_id, person.read_seq, person.delivered_seq);
}

/** Older messages, before the first one that is shown. */
async function older() {
  const room = open;
  if (!room?.more || room.loading) return;
  room.loading = true;
  $("log").ariaBusy = "true";
  const first = Math.min(...room.messages.keys());
  const page = await wire.ask("history", { room: room.info.id, before: first }).catch(() => null);
  room.loading = false;
  if (page) {
    for (const message of page.results) put(room, message);
    room.more = page.next !== null;
    const scroller = $("scroller");
    const below = scroller.scrollHeight - scroller.scrollTop;
    show();
    scroller.scrollTop = scroller.scrollHeight - below;
  }
  $("log").ariaBusy = "false";
}

// ---- events -----------------------------------------------------------------------------------------------------

function receive(frame) {
  const waiting = frame.ref !== undefined && wire.waiting.get(frame.ref);
  wire.waiting.delete(frame.ref);
  switch (frame.type) {
    case "ready": return void begin(frame).catch(again);
    case "reply": return waiting?.resolve(frame.ok);
    case "error": {
      if (waiting) return waiting.reject(frame);
      wire.fatal = frame.message;
      return problem(frame);
    }
    case "closing": return void (wire.retryAfter = frame.retry_after_ms ?? null);
    case "room_added": return void arrive(frame.room_info);
    case "room_removed": forget(frame.room); return show();
    case "presence": {
      for (const { people } of rooms.values()) {
        const person = people.get(frame.user_id);
        if (person) Object.assign(person, { online: frame.online, last_seen: frame.last_seen });
      }
      return show();
    }
  }
  const room = rooms.get(frame.room);
  if (!room) return;
  switch (frame.type) {
    case "resync": return void subscribe([room]).then(show, again);
    case "message_read": advance(room, frame.user_id, frame.seq, frame.seq); break;
    case "message_delivered": advance(room, frame.user_id, 0, frame.seq); break;
    case "typing": room.typing = frame.typing; break;
    case "user_joined": case "user_left": room.present = frame.present; break;
    case "marker": {
      room.unread = frame.unread_count;
      if (me.id) advance(room, me.id, frame.read_seq, frame.delivered_seq);
      break;
    }
    default: live(room, frame);
  }
  show();
}

/** An event of the log: taken once, in order; where one is missing, everything since the cursor is fetched. */
function live(room, event) {
  if (event.rev === undefined || (room.rev !== null && event.rev <= room.rev)) return;
  if (room.rev !== null && (event.prev ?? event.rev - 1) > room.rev) return void subscribe([room]).then(show, again);
  const atEnd = isAtEnd();
  change(room, event);
  room.rev = event.rev;
  room.cursor = event.cursor;
  if (room === open && atEnd) {
    show();
    toEnd();
    seen(room);
  }
}

function change(room, event) {
  switch (event.type) {
    case "chat_message": {
      const { message } = event;
      if (message.seq > room.seq) {
        room.seq = message.seq;
        room.last = message;
        if (message.sender !== me.id && message.message_type !== "system" && !message.deleted_at) room.unread++;
        // Who sends has read, unless the send says how far.
        if (message.sender === me.id && event.read_seq === undefined) Object.assign(room, { unread: 0, read: message.seq });
      }
      if (message.sender) advance(room, message.sender, event.read_seq ?? message.seq, event.read_seq ?? message.seq);
      room.typing = room.typing.filter((user) => user !== message.sender);
      settle(message.client_id);
      if (room.loaded) put(room, message);
      delivered(room);
      break;
    }
    case "message_edited": case "message_deleted": {
      if (room.last?.seq === event.message.seq) room.last = event.message;
      if (room.messages.has(event.message.seq)) put(room, event.message);
      if (event.type === "message_deleted" && room.unread > 0) recount(room);
      break;
    }
    case "participant_added": case "participant_updated": takePerson(room, { ...room.people.get(event.participant.user_id), ...event.participant }); break;
    case "participant_removed": room.people.delete(event.participant.user_id); break;
    case "room_updated": room.info = { ...room.info, ...event.room_info }; break;
  }
}

/** Keeps the newer of two views of a message. */
function put(room, message) {
  if ((room.messages.get(message.seq)?.rev ?? 0) <= message.rev) room.messages.set(message.seq, message);
}

function advance(room, user, read, delivered) {
  const was = room.markers.get(user) ?? { read_seq: 0, delivered_seq: 0 };
  room.markers.set(user, {
    user_id: user, read_seq: Math.max(was.read_seq, read), delivered_seq: Math.max(was.delivered_seq, delivered, read),
  });
}

async function arrive(info) {
  const listed = await wire.ask("get_room", { room: info.id }).catch(() => null);
  if (listed) await subscribe([takeRoom(listed)]).catch(again);
  show();
}

/** The server's count is exact; the page's own is a guess after a deletion. */
function recount(room) {
  wire.ask("get_room", { room: room.info.id }).then((listed) => {
    room.unread = listed.unread_count;
    show();
  }, () => {});
}

/** What cannot be caught up with now is fetched by a new connection. */
function again(error) {
  if (error?.code !== "offline") console.warn(error);
  wire.socket?.close();
}

// ---- receipts and typing ----------------------------------------------------------------------------------------

/** Says that everything that arrived was delivered; several at once make one. */
function delivered(room) {
  if (!me.id || room.telling) return;
  room.telling = setTimeout(() => {
    room.telling = null;
    if (room.seq > room.told && me.ready) wire.tell("message_delivered", { room: room.info.id, seq: (room.told = room.seq) });
  }, 300);
}

/** Says that everything shown was read, if somebody is looking; what comes meanwhile, once that is answered. */
function seen(room) {
  if (!me.id || !me.ready || document.hidden || room !== open || !isAtEnd() || room.reading) return;
  if (room.unread === 0 && room.read >= room.seq) return;
  const { seq } = room;
  room.reading = true;
  wire.ask("read_message", { room: room.info.id, seq }).finally(() => (room.reading = false)).then((markers) => {
    room.read = seq;
    room.unread = markers.unread_count;
    show();
    if (room.seq > seq) seen(room);
  }, () => {});
}

let typedAt = 0;
let typingIn = null;

function typing() {
  if (editing || !$("text").value || Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  typingIn = open;
  wire.tell("typing_start", { room: open.info.id });
}

function stopTyping() {
  if (typingIn) wire.tell("typing_stop", { room: typingIn.info.id });
  typingIn = null;
  typedAt = 0;
}

// ---- writing ----------------------------------------------------------------------------------------------------

/** The message that is being edited. */
let editing = null;

function submit() {
  const content = $("text").value;
  if (!open || !content.trim()) return;
  problem(null);
  if (editing) {
    const { id } = editing;
    return void wire.ask("edit_message", { message_id: id, content }).then(() => edit(null), problem);
  }
  const entry = { room: open.info.id, content, client_id: random(), failed: null };
  outbox.push(entry);
  $("text").value = open.draft = "";
  // A send ends the typing by itself.
  typingIn = null;
  typedAt = 0;
  post(entry);
  show();
  toEnd();
}

function post(entry) {
  entry.failed = null;
  wire.ask("send_message", { room: entry.room, content: entry.content, client_id: entry.client_id }).then(
    ({ message }) => {
      settle(entry.client_id);
      const room = rooms.get(entry.room);
      if (room?.loaded) put(room, message);
      show();
    },
    (error) => {
      // Sent again when the connection is back.
      if (error.code === "offline") return;
      if (error.retry === "later") return void setTimeout(() => post(entry), error.retry_after_ms ?? 1_000);
      entry.failed = error.message;
      show();
    },
  );
}

function settle(clientId) {
  const index = outbox.findIndex((entry) => entry.client_id === clientId);
  if (index >= 0) outbox.splice(index, 1);
}

function edit(message) {
  editing = message;
  $("text").value = message?.content ?? "";
  $("editing").hidden = !message;
  $("text").focus();
}

function remove(message) {
  if (confirm("Delete this message?")) wire.ask("delete_message", { message_id: message.id }).catch(problem);
}

function problem(error) {
  $("problem").textContent = error ? `${error.message} (${error.code})` : "";
}

// ---- showing ----------------------------------------------------------------------------------------------------

let planned = false;

/** Shows what is known, once for everything that happens at once. */
function show() {
  if (planned) return;
  planned = true;
  queueMicrotask(() => {
    planned = false;
    showRooms();
    showOpen();
  });
}

/** Makes `parent` show `items` in order. An element stays as long as its item's `stamp` does, and so does the focus. */
function list(parent, items, make) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const { key, stamp, item } of items) {
    let child = old.get(key);
    old.delete(key);
    if (!child || child.dataset.stamp !== stamp) {
      const fresh = make(item);
      fresh.dataset.key = key;
      fresh.dataset.stamp = stamp;
      if (child) {
        if (place === child) place = fresh;
        child.replaceWith(fresh);
      }
      child = fresh;
    }
    if (child === place) place = place.nextElementSibling; else parent.insertBefore(child, place);
  }
  for (const child of old.values()) child.remove();
}

function showRooms() {
  const sorted = [...rooms.values()].sort((a, b) => at(b).localeCompare(at(a)));
  list($("rooms"), sorted.map((room) => ({
    key: room.info.id, item: room,
    stamp: JSON.stringify([title(room), room.unread, room === open, room.last?.rev, room.last?.id]),
  })), roomButton);
  const unread = sorted.reduce((sum, room) => sum + room.unread, 0);
  $("unread-total").textContent = unread;
  $("unread-total").hidden = unread === 0;
  $("no-rooms").hidden = sorted.length > 0 || !me.ready;
  document.title = unread ? `(${unread}) Chat` : "Chat";
}

const at = (room) => room.last?.created_at ?? room.info.created_at;

function roomButton(room) {
  const button = el("button", { type: "button", onclick: () => openRoom(room) }, el("span", { textContent: title(room) }));
  if (room === open) button.setAttribute("aria-current", "true");
  if (room.unread) button.append(el("span", { className: "badge", textContent: room.unread, ariaLabel: `${room.unread} unread` }));
  button.append(el("span", { className: "last", textContent: room.last ? words(room.last) : "" }));
  return el("li", {}, button);
}

function showOpen() {
  $("open-room").hidden = !open;
  $("pick").hidden = !!open;
  if (!open) return;
  $("room-name").textContent = title(open);
  const present = open.present.map((user) => (user === me.id ? "you" : nameOf(open, user)));
  const away = others(open).filter(({ user_id }) => !open.present.includes(user_id)).map(({ user_id }) => nameOf(open, user_id));
  $("present").textContent = [present.length && `here: ${present.join(", ")}`, away.length && `away: ${away.join(", ")}`].filter(Boolean).join(" · ");
  const typists = open.typing.filter((user) => user !== me.id).map((user) => nameOf(open, user));
  $("typing").textContent = typists.length ? `${typists.join(", ")} ${typists.length > 1 ? "are" : "is"} typing …` : "";
  const writable = me.id !== null && open.info.state === "open" && open.my?.role !== "observer";
  $("composer").hidden = !writable;
  $("older").hidden = !open.more;
  const shown = [...open.messages.values()].sort((a, b) => a.seq - b.seq).map((message) => ({
    key: message.client_id && message.sender === me.id ? message.client_id : message.id, item: message,
    stamp: `${message.rev} ${message.sender === me.id ? tick(message).join() : nameOf(open, message.sender)}`,
  }));
  const waiting = outbox.filter((entry) => entry.room === open.info.id).map((entry) => ({ key: entry.client_id, stamp: `waiting ${entry.failed}`, item: entry }));
  list($("log"), [...shown, ...waiting], (item) => (item.id ? messageItem(item) : waitingItem(item)));
}

function words(message) {
  if (message.deleted_at) return "deleted";
  const files = (message.attachments ?? []).map((file) => `[${file.name}]`);
  return [message.content, ...files].filter(Boolean).join(" ") || `[${message.message_type}]`;
}

function messageItem(message) {
  const mine = message.sender !== null && message.sender === me.id;
  const item = el("li", { className: message.sender === null ? "note" : mine ? "mine" : "" });
  const meta = el("p", { className: "meta" });
  if (message.sender !== null && !mine) meta.append(el("strong", { textContent: nameOf(open, message.sender) }));
  const time = new Date(message.created_at);
  meta.append(el("time", { dateTime: message.created_at, title: time.toLocaleString(), textContent: time.toLocaleTimeString([], { timeStyle: "short" }) }));
  if (message.edited_at && !message.deleted_at) meta.append(el("span", { textContent: "edited" }));
  if (mine) {
    const [state, text] = tick(message);
    const mark = el("span", { className: "tick", title: text, textContent: state === "sent" ? "✓" : "✓✓" });
    mark.dataset.tick = state;
    mark.setAttribute("role", "img");
    mark.ariaLabel = text;
    meta.append(mark);
    if (!message.deleted_at) {
      meta.append(el("button", { type: "button", textContent: "Edit", onclick: () => edit(message) }));
      meta.append(el("button", { type: "button", textContent: "Delete", onclick: () => remove(message) }));
    }
  }
  item.append(el("p", { className: message.deleted_at ? "gone" : "words", textContent: words(message) }), meta);
  return item;
}

function waitingItem(entry) {
  const meta = el("p", { className: "meta" }, el("span", { className: "tick", textContent: entry.failed ? `not sent: ${entry.failed}` : "sending …" }));
  if (entry.failed) {
    meta.append(el("button", { type: "button", textContent: "Try again", onclick: () => { post(entry); show(); } }));
    meta.append(el("button", { type: "button", textContent: "Discard", onclick: () => { settle(entry.client_id); show(); } }));
  }
  return el("li", { className: entry.failed ? "mine failed" : "mine" }, el("p", { className: "words", textContent: entry.content }), meta);
}

/** How far one of my messages has come, for the eye and in words. */
function tick(message) {
  const people = others(open).map(({ user_id }) => user_id);
  const reached = (field) => people.filter((user) => (open.markers.get(user)?.[field] ?? 0) >= message.seq);
  const [read, got] = [reached("read_seq"), reached("delivered_seq")];
  if (people.length && read.length === people.length) return ["read", "read by all"];
  const by = read.length ? `; read by ${read.map((user) => nameOf(open, user)).join(", ")}` : "";
  return people.length && got.length === people.length ? ["delivered", `delivered to all${by}`] : ["sent", `sent${by}`];
}

function isAtEnd() {
  const scroller = $("scroller");
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
}

/** Keeps the newest in view when the view changes its size. A scroll that such a change brings is not the reader's. */
const view = {
  size: "", following: true,
  measure: () => `${$("scroller").clientWidth} ${$("scroller").clientHeight}`,
  resized() {
    this.size = this.measure();
    if (this.following) toEnd();
  },
  scrolled() {
    if (this.size === this.measure()) this.following = isAtEnd();
  },
};
new ResizeObserver(() => view.resized()).observe($("scroller"));

function toEnd() {
  // After what is planned is shown.
  queueMicrotask(() => {
    $("scroller").scrollTop = $("scroller").scrollHeight;
    if (open) seen(open);
  });
}

// ---- watching ---------------------------------------------------------------------------------------------------

const watch = {
  timer: null, before: new Map(), beforeAt: 0,

  toggle() {
    const on = $("watch").hidden;
    $("watch").hidden = !on;
    $("watch-toggle").ariaExpanded = String(on);
    clearInterval(this.timer);
    if (on) {
      this.before.clear();
      this.measure();
      this.timer = setInterval(() => this.measure(), 2_000);
    }
  },

  frame(direction, text) {
    const frames = $("frames");
    const section = frames.parentElement;
    const follow = section.scrollHeight - section.scrollTop - section.clientHeight < 40;
    frames.append(el("li", { className: direction === "→" ? "out" : "", textContent: `${direction} ${text.slice(0, 2_000)}` }));
    if (frames.childElementCount > MAX_FRAMES) frames.firstElementChild.remove();
    if (follow) section.scrollTop = section.scrollHeight;
  },

  async measure() {
    const headers = me.token ? { authorization: `Bearer ${me.token}` } : {};
    const answer = await fetch("metrics", { headers }).catch(() => null);
    $("metrics-problem").textContent = answer?.ok ? "" : answer ? "The metrics are for others." : "The server does not answer.";
    if (!answer?.ok) return;
    const now = performance.now();
    const seconds = (now - this.beforeAt) / 1_000;
    const rows = [];
    for (const line of (await answer.text()).split("\n")) {
      const [, name, text] = line.match(/^([a-z_]+(?:\{.*\})?) (\S+)$/) ?? [];
      const value = Number(text);
      if (!name || /_(bucket|sum)\b/.test(name) || value === 0) continue;
      const before = this.before.get(name);
      const rate = before === undefined || value < before || !/_(total|count)\b/.test(name) ? "" : ((value - before) / seconds).toFixed(1);
      this.before.set(name, value);
      rows.push({ key: name, stamp: `${value} ${rate}`, item: { name, value, rate } });
    }
    this.beforeAt = now;
    list($("metrics"), rows, ({ name, value, rate }) => el("tr", {},
      el("th", { scope: "row", textContent: name.replace(/^chat_/, "").replace(/[a-z_]+="([^"]*)"/g, "$1") }), el("td", { textContent: value }), el("td", { textContent: rate })));
  },
};

// ---- hands ------------------------------------------------------------------------------------------------------

$("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn($("token").value, $("room").value.trim());
  $("token").value = "";
});
$("sign-out").addEventListener("click", () => signOut());
$("watch-toggle").addEventListener("click", () => watch.toggle());
$("older").addEventListener("click", older);
$("scroller").addEventListener("scroll", () => {
  view.scrolled();
  if ($("scroller").scrollTop < 80) older();
  if (open) seen(open);
});
document.addEventListener("visibilitychange", () => open && seen(open));
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
$("text").addEventListener("input", () => {
  if (!open) return;
  if (!editing) open.draft = $("text").value;
  if ($("text").value) typing(); else stopTyping();
});
$("text").addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submit();
  } else if (event.key === "Escape" && editing) {
    edit(null);
  } else if (event.key === "ArrowUp" && !$("text").value && open) {
    const last = [...open.messages.values()].filter((m) => m.sender === me.id && !m.deleted_at).sort((a, b) => b.seq - a.seq)[0];
    if (last) {
      event.preventDefault();
      edit(last);
    }
  }
});

/** A link that is opened in a tab that shows the page already changes nothing but the fragment. */
addEventListener("hashchange", () => {
  const { token, room } = fromFragment();
  if (token) signIn(token, room);
});

const link = fromFragment();
const token = link.token ?? sessionStorage.getItem("token");
if (token) signIn(token, link.room);
