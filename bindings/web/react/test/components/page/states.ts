/** Rooms in every state, as a `Chat` says them. */

import type { Attachment } from "@chat-engine/client";
import type { Chat, ChatMessage, Progress } from "../../../src/types.js";

const ME = "client1@test.com";
const BEN = "cleaner1@test.com";

interface Said {
  readonly by?: string;
  readonly text?: string;
  readonly at?: string;
  readonly progress?: Progress;
  readonly more?: Partial<ChatMessage>;
}

const NAMES: Readonly<Record<string, string>> = {
  [ME]: "Clara Weiss",
  [BEN]: "Ben Okafor",
  "ida@test.com": "Ida Lund",
};

let day = "2026-11-24";

function say({ by = BEN, text, at = "10:00", progress, more = {} }: Said, seq: number): ChatMessage {
  const isMine = by === ME;
  const state = progress ?? (isMine ? "read" : "sent");
  const isStored = state !== "pending" && state !== "failed";
  return {
    key: `m${seq}`,
    id: `m${seq}`,
    room: "r1",
    sender: by === "system" ? null : by,
    message_type: by === "system" ? "system" : "text",
    created_at: new Date(`${day}T${at}:00`).toISOString(),
    isMine,
    senderName: NAMES[by] ?? "",
    progress: state,
    client_id: `c${seq}`,
    ...(text === undefined ? {} : { content: text }),
    ...(isStored ? { seq } : {}),
    ...more,
  } as ChatMessage;
}

function conversation(): ChatMessage[] {
  day = "2026-11-24";
  const yesterday = [
    { by: "system", text: "Ben confirmed the job", at: "16:02" },
    { text: "Hi Clara! I have the keys from the concierge, thank you.", at: "16:04" },
    { text: "Is the balcony part of it as well?", at: "16:04" },
    { by: ME, text: "Hello Ben, great 👋", at: "16:11" },
    {
      by: ME,
      text: "Yes please, the balcony too. The broom is behind the door, and the plants do not mind some water.",
      at: "16:12",
    },
    { text: "Perfect, see you tomorrow", at: "16:15" },
  ].map((said, at) => say(said, at + 1));
  day = "2026-11-25";
  const today = [
    { by: "system", text: "Ben started the job", at: "09:00" },
    {
      text: "I have begun with the kitchen. This is the plan of the house: https://example.com/plan?floor=2 (second floor)",
      at: "09:04",
    },
    { by: ME, text: "Looks good!", at: "09:20", more: { reply_to: "m8" } },
    { text: "There is a stain on the sofa that may need something stronger. Shall I try?", at: "10:31" },
    {
      by: ME,
      text: "Please do, I was afraid of that one.",
      at: "10:33",
      progress: "delivered" as const,
      more: { edited_at: "2026-11-25T10:34:00Z" },
    },
    { by: ME, text: "And thank you for asking.", at: "10:33", progress: "sent" as const },
  ].map((said, at) => say(said, at + 7));
  return [...yesterday, ...today];
}

function ignore(): void {}

const participants = [ME, BEN].map((user_id) => ({
  user_id,
  name: NAMES[user_id] ?? null,
  avatar: null,
  role: "member" as const,
  joined_at: "2026-11-20T08:00:00Z",
  read_seq: 12,
  delivered_seq: 12,
}));

/** A room in which all is read, unless it says otherwise. */
function chat({ messages = conversation(), ...more }: Partial<Chat> = {}): Chat {
  const last = messages.reduce((last, { seq = 0 }) => Math.max(last, seq), 0);
  return {
    messages,
    isConnected: true,
    sendMessage: () => "c",
    sendTypingIndicator: ignore,
    stopTyping: ignore,
    status: "live",
    connection: { status: "open", userId: ME, connectionId: "1", limits: { message_bytes: 16_384 } },
    me: ME,
    room: { id: "r1", key: "job:42", kind: "group", name: "Window cleaning", state: "open" },
    my: { role: "member", read_seq: last, delivered_seq: last, marker_seq: last },
    participants,
    present: [ME, BEN],
    typingUsers: [],
    unreadCount: 0,
    hasOlder: false,
    hasNewer: false,
    loadOlder: async () => {},
    loadNewer: async () => {},
    jumpTo: async (target: number | string) => Number(String(target).replace("m", "")),
    jumpToLatest: async () => {},
    markRead: ignore,
    markUnread: async () => {},
    editMessage: () => "c",
    deleteMessage: () => "c",
    retry: ignore,
    discard: ignore,
    ...more,
  } as unknown as Chat;
}

const picture: Attachment = {
  name: "plan.svg",
  content_type: "image/svg+xml",
  size: 900,
  url: "/plan.svg",
  width: 480,
  height: 260,
};

const HOSTILE = [
  '<img src=x onerror="document.title=1"> <script>document.title=2</script>',
  "Click javascript:document.title=3 or [here](javascript:document.title=4) or data:text/html,x",
  "\u202Egnp.exe\u202C and \u2066isolated\u2069 text, then English again",
  `${"x".repeat(300)} and https://example.com/${"y".repeat(200)}`,
  `${"Zalgo ".repeat(3)}Z\u0351\u036B\u0343\u036A\u0302\u036B\u033D\u034F\u0334`,
];

function long(count: number): ChatMessage[] {
  day = "2026-11-25";
  return Array.from({ length: count }, (_, at) =>
    say({ by: at % 3 === 0 ? ME : BEN, text: `Message ${at + 1} ${"and some more of it ".repeat(at % 7)}` }, at + 1),
  );
}

/** The rooms by name. */
export const STATES: Readonly<Record<string, () => Chat>> = {
  conversation: () => chat(),
  typing: () => chat({ typingUsers: [{ user_id: BEN, name: "Ben Okafor", isKnown: true }] }),
  empty: () => chat({ messages: [] }),
  loading: () => chat({ messages: [], room: null, status: "loading", isConnected: false }),
  reconnecting: () =>
    chat({
      status: "stale",
      isConnected: false,
      connection: { status: "waiting", attempt: 2, retryAt: 0 } as unknown as Chat["connection"],
      messages: [
        ...conversation(),
        say({ by: ME, text: "Are you done already?", at: "10:41", progress: "pending" }, 13),
      ],
    }),
  unread: () =>
    chat({
      unreadCount: 3,
      my: { role: "member", read_seq: 9, delivered_seq: 12, marker_seq: 9 } as unknown as Chat["my"],
      messages: [
        ...conversation().slice(0, 9),
        ...[
          "It is gone, it worked!",
          "I will be done in about an hour.",
          "Shall I leave the keys with the concierge?",
        ].map((text, at) => say({ text, at: "10:52" }, at + 10)),
      ],
    }),
  "long-last": () =>
    chat({ messages: [...conversation(), say({ by: ME, text: "And this takes long to say. ".repeat(40) }, 13)] }),
  failed: () =>
    chat({
      messages: [
        ...conversation(),
        say(
          {
            by: ME,
            text: "Can you come again on Friday?",
            at: "10:41",
            progress: "failed",
            more: { error: { code: "forbidden" } as ChatMessage["error"] },
          },
          13,
        ),
      ],
    }),
  deleted: () =>
    chat({
      messages: conversation().map((message) =>
        message.seq === 8 || message.seq === 12
          ? ({ ...message, content: undefined, deleted_at: "2026-11-25T11:00:00Z" } as unknown as ChatMessage)
          : message,
      ),
    }),
  refused: () =>
    chat({
      messages: conversation().map((message) => {
        const refused = { progress: "failed", error: { code: "not_found" } as ChatMessage["error"] } as const;
        if (message.seq === 9) return { ...message, ...refused, refused: "Looks very good!" };
        if (message.seq !== 12) return message;
        const { content: _, ...gone } = message;
        return { ...gone, ...refused, refused: "And many thanks.", deleted_at: "2026-11-25T11:00:00Z" };
      }),
    }),
  files: () =>
    chat({
      messages: [
        ...conversation().slice(0, 8),
        say({ by: ME, text: "This is the floor plan", more: { attachments: [picture] } }, 9),
        say(
          {
            text: "",
            more: {
              attachments: [
                { name: "invoice-november.pdf", content_type: "application/pdf", size: 48_200, url: "/i.pdf" },
              ],
            },
          },
          10,
        ),
      ],
    }),
  group: () =>
    chat({
      messages: [
        ...conversation(),
        say({ by: "ida@test.com", text: "I can help with the windows tomorrow.", at: "10:44" }, 13),
        say({ text: "That would be great.", at: "10:45" }, 14),
      ],
    }),
  frozen: () =>
    chat({ room: { id: "r1", name: "Window cleaning", state: "frozen", kind: "group" } as unknown as Chat["room"] }),
  gone: () => chat({ status: "gone", messages: [], room: null }),
  hostile: () =>
    chat({ messages: HOSTILE.flatMap((text, at) => [say({ text }, at * 2 + 1), say({ by: ME, text }, at * 2 + 2)]) }),
  hebrew: () =>
    chat({
      messages: ["שלום קלרה, המפתחות אצלי", "מתי להתחיל?"]
        .map((text, at) => say({ text }, at + 1))
        .concat(say({ by: ME, text: "בשעה תשע בבוקר, בבקשה. OK?" }, 3)),
    }),
  "many-unread": () =>
    chat({
      messages: long(50),
      unreadCount: 20,
      my: { role: "member", read_seq: 20, delivered_seq: 50, marker_seq: 20 } as unknown as Chat["my"],
    }),
  "more-unread": () =>
    chat({
      messages: long(150).slice(100),
      unreadCount: 1_204,
      hasOlder: true,
      my: { role: "member", read_seq: 30, delivered_seq: 150, marker_seq: 30 } as unknown as Chat["my"],
    }),
  fifty: () => chat({ messages: long(50) }),
  "ten-thousand": () => chat({ messages: long(10_000) }),
};
