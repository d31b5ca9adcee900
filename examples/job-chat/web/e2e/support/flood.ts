/** Very many messages at once, as no hand could write them: over a bare socket, past the page. */

import type { Visitor } from "./visitor.js";

/** `text 1` to `text N` in the chat of a job. The visitor has to be on some page of the application. */
export async function flood(visitor: Visitor, job: number, text: string, count: number): Promise<void> {
  await visitor.page.evaluate(
    async ({ job, text, count }) => {
      const { token } = await (await fetch("/api/chat-token", { method: "POST" })).json();
      const socket = new WebSocket(`ws://${location.host}/chat/ws/`, ["chat.v1"]);
      await new Promise<void>((resolve, reject) => {
        let sent = 0;
        let answered = 0;
        const send = () => {
          sent += 1;
          const message = { content: `${text} ${sent}`, client_id: `flood-${sent}` };
          socket.send(JSON.stringify({ action: "send_message", room: `job:${job}`, ref: sent, ...message }));
        };
        socket.onopen = () => socket.send(JSON.stringify({ action: "authenticate", token }));
        socket.onclose = ({ code }) => reject(new Error(`the socket was closed: ${code}`));
        socket.onmessage = ({ data }) => {
          const { type, code } = JSON.parse(data);
          if (type === "error") return reject(new Error(code));
          if (type === "ready") for (let n = 0; n < 100; n++) send();
          if (type !== "reply") return;
          answered += 1;
          if (answered === count) resolve();
          else if (sent < count) send();
        };
      });
      socket.onclose = null;
      socket.close();
    },
    { job, text, count },
  );
}
