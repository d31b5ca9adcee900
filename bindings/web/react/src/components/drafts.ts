/** What was begun in a room and not sent, for as long as the page is there. */

const drafts = new Map<string, string>();

export function draftOf(room: string): string {
  return drafts.get(room) ?? "";
}

export function keepDraft(room: string, text: string): void {
  if (text === "") drafts.delete(room);
  else drafts.set(room, text);
}
