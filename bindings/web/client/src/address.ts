/** Where the server is, beside its socket. */

/** Addresses that end with a slash. */
export interface Address {
  /** Its HTTP paths. */
  readonly api: string;
  /** The stream that stands for a socket: `…/ws/job_chat/42/` is `…/events/job_chat/42/`. */
  readonly events: string;
  /** Where what goes up beside a stream is brought. */
  readonly frames: string;
}

/** What belongs to the address of a socket: all of it stands in place of the last `/ws`. */
export function addressOf(url: string): Address {
  const { origin, pathname } = new URL(url.replace(/^ws/, "http"));
  const [, before, after = ""] = /^(.*)\/ws(?:\/(.*))?$/.exec(pathname) ?? [];
  if (before === undefined) throw new TypeError("the address has no /ws/");
  const server = origin + before;
  return { api: `${server}/api/`, events: `${server}/events/${after}`, frames: `${server}/events/frames/` };
}
