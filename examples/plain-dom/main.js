/** A chat in a page without a framework: the client's stores, and the DOM. */

import { ChatClient, paced, receiptOf } from "../../bindings/web/client/dist/index.js";

const at = (id) => document.getElementById(id);

// #url=ws://127.0.0.1:8080/ws/&room=job:42&token=…; what stands behind the # is sent to no server.
const given = new URLSearchParams(location.hash.slice(1));
const chat = new ChatClient({ url: given.get("url"), token: given.get("token") });
const room = chat.room(given.get("room"));

/** Content is text that somebody wrote: it is shown as text, never as HTML. */
function line(author, content, progress) {
  const item = document.createElement("li");
  item.textContent = `${author}: ${content} ${progress}`;
  return item;
}

function draw() {
  const { status, messages, outbox, participants, typing } = room.getSnapshot();
  const name = (id) => participants.find(({ user_id }) => user_id === id)?.name ?? id;
  const progress = (message) => (message.sender === chat.me ? receiptOf(message, participants) : "");
  const stored = messages.map((it) => line(name(it.sender) ?? "", it.content ?? "(deleted)", progress(it)));
  const sends = outbox.filter(({ action }) => action === "send_message");
  const onTheirWay = sends.map(({ fields, state }) => line("me", fields.content, state));
  at("status").textContent = status;
  at("messages").replaceChildren(...stored, ...onTheirWay);
  at("typing").textContent = typing.map((user) => `${name(user)} …`).join(" ");
  if (document.visibilityState === "visible") room.markRead();
}

at("text").addEventListener("input", () => room.type());
at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (at("text").value.trim()) room.send(at("text").value);
  at("text").value = "";
});
document.addEventListener("visibilitychange", draw);
paced(room).subscribe(draw);
chat.connect();
