import { Avatar, UnreadBadge } from "@chat-engine/react/components";
import type { Job, Person } from "../api.js";
import { JobWhen } from "./JobWhen.js";
import { otherOf } from "./otherOf.js";
import { StatusPill } from "./StatusPill.js";

interface Props {
  readonly job: Job;
  readonly me: Person;
  readonly unread: number;
  readonly onOpen: () => void;
}

export function JobCard({ job, me, unread, onOpen }: Props) {
  const other = otherOf(job, me);
  return (
    <li>
      <button type="button" className="job-card" data-job={job.id} onClick={onOpen}>
        <span className="job-card-top">
          <StatusPill status={job.status} />
          <UnreadBadge count={unread} />
        </span>
        <span className="job-card-title">{job.title}</span>
        <span className="muted">
          <JobWhen at={job.at} />
        </span>
        <span className="muted">{job.address}</span>
        <span className="job-card-person">
          <Avatar id={other.id} name={other.name} />
          {other.name}
        </span>
      </button>
    </li>
  );
}
