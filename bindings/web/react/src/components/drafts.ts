/** What was begun in a room and not sent, for as long as the page is there. */

const drafts = new Map<string | undefined, string>();

/** Of a room that is not known yet, nothing. */
export function draftOf(room: string | undefined): string {
  return drafts.get(room) ?? "";
}

export function keepDraft(room: string, text: string): void {
  if (text === "") drafts.delete(room);
  else drafts.set(room, text);
}
