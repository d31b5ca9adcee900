import type { Status } from "../api.js";

const WORDS: Record<Status, string> = {
  requested: "Requested",
  confirmed: "Confirmed",
  started: "In progress",
  finished: "Finished",
};

export function StatusPill({ status }: { status: Status }) {
  return <span className={`pill pill-${status}`}>{WORDS[status]}</span>;
}
