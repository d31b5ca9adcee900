/** Every text that the components show, so that each can be said in another language. */

import type { ChatError, CloseReason } from "@chat-engine/client";

/** All texts. Give your own as a whole, or `{ ...english, emptyTitle: "…" }`. */
export interface Texts {
  /** The language, as BCP 47 has it: for dates, times and numbers. */
  readonly locale: string;
  readonly conversation: string;
  readonly conversations: string;
  readonly message: string;
  readonly placeholder: string;
  readonly send: string;
  readonly save: string;
  readonly cancel: string;
  readonly emoji: string;
  readonly actions: string;
  readonly reply: string;
  readonly edit: string;
  readonly delete: string;
  readonly copy: string;
  readonly retry: string;
  readonly discard: string;
  readonly editing: string;
  readonly edited: string;
  readonly deleted: string;
  /** What is asked before a message is deleted. */
  readonly deleteTitle: string;
  readonly deleteText: string;
  readonly you: string;
  readonly loading: string;
  readonly live: string;
  readonly connecting: string;
  readonly offline: string;
  readonly reconnecting: string;
  readonly emptyTitle: string;
  readonly emptyText: string;
  readonly noConversations: string;
  readonly frozen: string;
  readonly archived: string;
  readonly gone: string;
  readonly notAllowed: string;
  readonly unreadDivider: string;
  readonly toLatest: string;
  /** How far a message has come. */
  readonly progress: Readonly<Record<"pending" | "failed" | "sent" | "delivered" | "read", string>>;
  /** A message was not sent, or one that was sent not changed. There may be codes that are newer than your texts. */
  readonly failed: (what: "sent" | "changed", code: ChatError["code"] | undefined) => string;
  readonly closed: (reason: CloseReason | undefined) => string;
  /** Without a name: to oneself. */
  readonly replyingTo: (name?: string) => string;
  /** `count` people type; fewer names than that where not all are known. */
  readonly typing: (names: readonly string[], count: number) => string;
  readonly newMessages: (count: number) => string;
  readonly unread: (count: number) => string;
  /** What is told to those who do not see: somebody wrote something. */
  readonly said: (name: string, content: string) => string;
  readonly tooLong: (bytes: number, limit: number) => string;
}

/** Why something failed, where somebody can do something about it. */
type Reasons = Readonly<Partial<Record<ChatError["code"], string>>>;

const ENGLISH_REASONS: Reasons = {
  forbidden: "it is not allowed here",
  not_found: "you are no longer here, or what it belongs to is gone",
  message_too_large: "it is too long",
  too_large: "it is too large",
  not_saved: "this device could not keep it",
};

const GERMAN_REASONS: Reasons = {
  forbidden: "das ist hier nicht erlaubt",
  not_found: "du bist nicht mehr dabei, oder worauf es sich bezieht, ist nicht mehr da",
  message_too_large: "sie ist zu lang",
  too_large: "sie ist zu groß",
  not_saved: "dieses Gerät konnte sie nicht behalten",
};

function because(what: string, reasons: Reasons, code: ChatError["code"] | undefined): string {
  const reason = code && reasons[code];
  return reason ? `${what}: ${reason}` : what;
}

export const english: Texts = {
  locale: "en",
  conversation: "Conversation",
  conversations: "Conversations",
  message: "Message",
  placeholder: "Write a message…",
  send: "Send",
  save: "Save",
  cancel: "Cancel",
  emoji: "Emoji",
  actions: "Message actions",
  reply: "Reply",
  edit: "Edit",
  delete: "Delete",
  copy: "Copy text",
  retry: "Try again",
  discard: "Discard",
  editing: "Editing",
  edited: "edited",
  deleted: "Message deleted",
  deleteTitle: "Delete this message?",
  deleteText: "It will be gone for everybody here.",
  you: "You",
  loading: "Loading…",
  live: "Connected",
  connecting: "Connecting…",
  offline: "Not connected",
  reconnecting: "Reconnecting…",
  emptyTitle: "No messages yet",
  emptyText: "Say hello, and it will be here.",
  noConversations: "No conversations yet",
  frozen: "This conversation can be read, but not written in.",
  archived: "This conversation is archived.",
  gone: "This conversation is not available.",
  notAllowed: "You can read here, but not write.",
  unreadDivider: "New messages",
  toLatest: "To the latest message",
  progress: { pending: "Sending", failed: "Failed", sent: "Sent", delivered: "Delivered", read: "Read" },
  failed: (what, code) => because(what === "sent" ? "Not sent" : "Not changed", ENGLISH_REASONS, code),
  closed: (reason) =>
    reason === "unauthorized" || reason === "no_token" ? "You are signed out. Sign in again." : "Disconnected.",
  replyingTo: (name = "yourself") => `Replying to ${name}`,
  typing: (names, count) => {
    const [first, second] = names;
    if (names.length < count) return count === 1 ? "Someone is typing…" : `${count} people are typing…`;
    if (count === 1) return `${first} is typing…`;
    return count === 2 ? `${first} and ${second} are typing…` : "Several people are typing…";
  },
  newMessages: (count) => (count === 1 ? "1 new message" : `${count} new messages`),
  unread: (count) => `${count} unread`,
  said: (name, content) => `${name}: ${content}`,
  tooLong: (bytes, limit) => `Too long by ${bytes - limit} bytes`,
};

export const german: Texts = {
  locale: "de",
  conversation: "Unterhaltung",
  conversations: "Unterhaltungen",
  message: "Nachricht",
  placeholder: "Nachricht schreiben …",
  send: "Senden",
  save: "Speichern",
  cancel: "Abbrechen",
  emoji: "Emoji",
  actions: "Aktionen zur Nachricht",
  reply: "Antworten",
  edit: "Bearbeiten",
  delete: "Löschen",
  copy: "Text kopieren",
  retry: "Noch einmal versuchen",
  discard: "Verwerfen",
  editing: "Bearbeiten",
  edited: "bearbeitet",
  deleted: "Nachricht gelöscht",
  deleteTitle: "Diese Nachricht löschen?",
  deleteText: "Sie verschwindet für alle in dieser Unterhaltung.",
  you: "Ich",
  loading: "Wird geladen …",
  live: "Verbunden",
  connecting: "Verbindung wird aufgebaut …",
  offline: "Nicht verbunden",
  reconnecting: "Verbindung wird wiederhergestellt …",
  emptyTitle: "Noch keine Nachrichten",
  emptyText: "Schreib etwas, dann steht es hier.",
  noConversations: "Noch keine Unterhaltungen",
  frozen: "Diese Unterhaltung kann gelesen, aber nicht fortgesetzt werden.",
  archived: "Diese Unterhaltung ist archiviert.",
  gone: "Diese Unterhaltung ist nicht verfügbar.",
  notAllowed: "Hier kannst du lesen, aber nicht schreiben.",
  unreadDivider: "Neue Nachrichten",
  toLatest: "Zur neuesten Nachricht",
  progress: {
    pending: "Wird gesendet",
    failed: "Fehlgeschlagen",
    sent: "Gesendet",
    delivered: "Zugestellt",
    read: "Gelesen",
  },
  failed: (what, code) => because(what === "sent" ? "Nicht gesendet" : "Nicht geändert", GERMAN_REASONS, code),
  closed: (reason) =>
    reason === "unauthorized" || reason === "no_token" ? "Du bist abgemeldet. Melde dich neu an." : "Getrennt.",
  replyingTo: (name = "dich selbst") => `Antwort an ${name}`,
  typing: (names, count) => {
    const [first, second] = names;
    if (names.length < count) return count === 1 ? "Jemand schreibt …" : `${count} Personen schreiben …`;
    if (count === 1) return `${first} schreibt …`;
    return count === 2 ? `${first} und ${second} schreiben …` : "Mehrere schreiben …";
  },
  newMessages: (count) => (count === 1 ? "1 neue Nachricht" : `${count} neue Nachrichten`),
  unread: (count) => `${count} ungelesen`,
  said: (name, content) => `${name}: ${content}`,
  tooLong: (bytes, limit) => `${bytes - limit} Bytes zu lang`,
};
