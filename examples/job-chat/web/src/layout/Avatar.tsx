import type { Person } from "../api.js";

/** Somebody's initials. Their name stands beside it, so that it says nothing to a screen reader. */
export function Avatar({ person }: { person: Person }) {
  const initials = person.name
    .split(" ")
    .map((word) => word.charAt(0))
    .join("");
  return (
    <span className={`avatar avatar-${person.role}`} aria-hidden="true">
      {initials}
    </span>
  );
}
