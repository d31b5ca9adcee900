/** Who is in a room, how far each has read, who has it open and who types. */

import type { Event, Marker, Participant } from "./protocol.js";

/** See the module. What holds is the same as the core's own replica makes of the same events. */
export class People {
  #participants = new Map<string, Participant>();
  #shown: readonly Participant[] | undefined;
  /** Whether the participants are all there are. */
  isComplete = false;
  /** Who has the room open. */
  present: readonly string[] = [];
  /** Who types, oneself included. */
  typing: readonly string[] = [];

  /** Those in the room, by user id; the same array until one changes. */
  get participants(): readonly Participant[] {
    this.#shown ??= [...this.#participants.values()].sort((a, b) => (a.user_id < b.user_id ? -1 : 1));
    return this.#shown;
  }

  /** Somebody, if they are in the room. */
  find(user: string): Participant | undefined {
    return this.#participants.get(user);
  }

  /** Begins anew. */
  replace(participants: readonly Participant[], isComplete: boolean): void {
    this.isComplete = isComplete;
    this.#participants = new Map(participants.map((participant) => [participant.user_id, participant]));
    this.#shown = undefined;
  }

  /** These are in it, as they were a moment ago. */
  meet(participants: readonly Participant[], isComplete: boolean): void {
    this.isComplete = isComplete;
    for (const participant of participants) this.#put(participant);
  }

  /** Whether there is somebody of whom it is not known whether they are connected. */
  get hasUnseen(): boolean {
    return this.participants.some(({ online }) => online === undefined);
  }

  /** Nobody is known to be connected. */
  away(): void {
    if (this.present.length > 0) this.present = [];
    for (const [user, { online, last_seen: _, ...known }] of this.#participants) {
      if (online === undefined) continue;
      this.#participants.set(user, known);
      this.#shown = undefined;
    }
  }

  /** Takes over who is connected, of whom that is not known: what came meanwhile is later. */
  see(participants: readonly Participant[]): void {
    for (const { user_id, online, last_seen } of participants) {
      if (this.find(user_id)?.online === undefined) this.#change(user_id, { online, last_seen });
    }
  }

  /** Takes over markers that came with a catch-up: they are later than anything that was implied. */
  setMarkers(markers: readonly Marker[]): void {
    for (const { user_id, read_seq, delivered_seq } of markers) this.#change(user_id, { read_seq, delivered_seq });
  }

  /** What becomes of it with one more event. Repeating an event changes nothing. */
  reduce(event: Event): void {
    switch (event.type) {
      case "chat_message":
        if (event.message.sender === null) return;
        this.#advance(event.message.sender, event.read_seq ?? event.message.seq, 0);
        // Whoever has sent types no more; that is said a moment later, and would be seen.
        if (this.typing.includes(event.message.sender)) {
          this.typing = this.typing.filter((user) => user !== event.message.sender);
        }
        return;
      case "message_read":
        return this.#advance(event.user_id, event.seq, 0);
      case "message_delivered":
        return this.#advance(event.user_id, 0, event.seq);
      case "participant_added":
      case "participant_updated":
        return this.#put(event.participant);
      case "participant_removed":
        this.#participants.delete(event.participant.user_id);
        this.#shown = undefined;
        return;
      case "presence":
        return this.#change(event.user_id, { online: event.online, last_seen: event.last_seen });
      case "user_joined":
      case "user_left":
        this.present = event.present;
        return;
      case "typing":
        this.typing = event.typing;
        return;
    }
  }

  #put(participant: Participant): void {
    const known = this.#participants.get(participant.user_id);
    // Whether they are connected is not in events.
    const seen = known && { online: known.online, last_seen: known.last_seen };
    this.#participants.set(participant.user_id, { ...seen, ...participant });
    this.#shown = undefined;
    // Its markers are of the moment when it was told; what is known may be later.
    if (known) this.#advance(known.user_id, known.read_seq, known.delivered_seq);
  }

  #advance(user: string, read: number, delivered: number): void {
    const known = this.#participants.get(user);
    if (!known) return;
    const read_seq = Math.max(known.read_seq, read);
    const delivered_seq = Math.max(known.delivered_seq, delivered, read_seq);
    if (read_seq !== known.read_seq || delivered_seq !== known.delivered_seq) {
      this.#change(user, { read_seq, delivered_seq });
    }
  }

  #change(user: string, change: Partial<Participant>): void {
    const known = this.#participants.get(user);
    if (!known) return;
    this.#participants.set(user, { ...known, ...change });
    this.#shown = undefined;
  }
}
