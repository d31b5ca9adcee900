/** What the page asks the back end for. The session is a cookie, which no script can read. */

export interface Person {
  /** The chat knows them by this id too. */
  readonly id: string;
  readonly name: string;
  readonly role: "client" | "cleaner";
}

export type Status = "requested" | "confirmed" | "started" | "finished";
export type Step = "confirm" | "start" | "finish";

export interface Job {
  readonly id: number;
  readonly title: string;
  readonly address: string;
  /** When it is, in milliseconds of the epoch. */
  readonly at: number;
  readonly status: Status;
  readonly client: Person;
  readonly cleaner: Person;
}

/** The back end said no; its words may be shown. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function call<T>(method: "GET" | "POST" | "PUT", path: string, body?: object): Promise<T> {
  const answer = await fetch(`/api/${path}`, {
    method,
    ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
  });
  if (!answer.ok) {
    const { message } = (await answer.json().catch(() => ({}))) as { message?: string };
    throw new ApiError(answer.status, message ?? "Something went wrong. Please try again.");
  }
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const api = {
  logIn: (email: string, password: string) => call<Person>("POST", "login", { email, password }),
  logOut: () => call<void>("POST", "logout"),
  me: () => call<Person>("GET", "me"),
  /** A token for the chat, and whose it is: in another tab somebody else may have logged in. */
  chatToken: () => call<{ token: string; user: string }>("POST", "chat-token"),
  cleaners: () => call<Person[]>("GET", "cleaners"),
  jobs: () => call<Job[]>("GET", "jobs"),
  take: (job: number, step: Step) => call<Job>("POST", `jobs/${job}/${step}`),
  give: (job: number, cleaner: string) => call<Job>("PUT", `jobs/${job}/cleaner`, { cleaner }),
};
