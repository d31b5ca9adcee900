import type { Job, Person } from "../api.js";

/** Whom somebody talks with about a job. */
export function otherOf(job: Job, me: Person): Person {
  return job.client.id === me.id ? job.cleaner : job.client;
}
