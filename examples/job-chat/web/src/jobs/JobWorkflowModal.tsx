import { Avatar, UnreadBadge } from "@chat-engine/react/components";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import type { Job, Status, Step } from "../api.js";
import { useMe } from "../auth/AuthProvider.js";
import { AnotherCleaner } from "./AnotherCleaner.js";
import { useJobs } from "./JobsProvider.js";
import { JobWhen } from "./JobWhen.js";
import { otherOf } from "./otherOf.js";
import { StatusPill } from "./StatusPill.js";

const STEPS: { step: Step; from: Status; done: string; todo: string }[] = [
  { step: "confirm", from: "requested", done: "Confirmed", todo: "Confirm" },
  { step: "start", from: "confirmed", done: "Started", todo: "Start" },
  { step: "finish", from: "started", done: "Finished", todo: "Finish" },
];
const ORDER: Status[] = ["requested", "confirmed", "started", "finished"];

interface Props {
  readonly job: Job;
  readonly unread: number;
  readonly onClose: () => void;
}

/** A job, its steps, and the way to its chat. */
export function JobWorkflowModal({ job, unread, onClose }: Props) {
  const me = useMe();
  const { take } = useJobs();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const other = otherOf(job, me);
  const cleaning = me.id === job.cleaner.id;
  const next = STEPS.find(({ from }) => from === job.status);

  const go = async (step: Step) => {
    setBusy(true);
    setError("");
    try {
      await take(job.id, step);
    } catch (error) {
      setError(error instanceof Error ? error.message : "That did not work");
    }
    setBusy(false);
  };

  return (
    <dialog ref={dialog} className="modal" aria-labelledby="job-title" onClose={onClose}>
      <header className="modal-header">
        <div>
          <StatusPill status={job.status} />
          <h2 id="job-title">{job.title}</h2>
        </div>
        <div className="modal-actions">
          <Link className="button button-primary chat-button" to={`/jobs/${job.id}/chat`}>
            <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
              <path d="M4 5h16v11H9l-5 4z" fill="none" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" />
            </svg>
            Chat
            <UnreadBadge count={unread} />
          </Link>
          <button
            className="button button-quiet button-icon"
            type="button"
            aria-label="Close"
            onClick={() => dialog.current?.close()}
          >
            <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
              <path d="M6 6l12 12M18 6L6 18" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
            </svg>
          </button>
        </div>
      </header>
      <dl className="facts">
        <div>
          <dt>When</dt>
          <dd>
            <JobWhen at={job.at} />
          </dd>
        </div>
        <div>
          <dt>Where</dt>
          <dd>{job.address}</dd>
        </div>
        <div>
          <dt>{cleaning ? "Client" : "Cleaner"}</dt>
          <dd className="facts-person">
            <Avatar id={other.id} name={other.name} /> {other.name}
          </dd>
        </div>
      </dl>
      <ol className="steps">
        {STEPS.map(({ step, from, done, todo }) => {
          const isDone = ORDER.indexOf(job.status) > ORDER.indexOf(from);
          const state = isDone ? "done" : step === next?.step ? "next" : "later";
          return (
            <li key={step} className={`step step-${state}`} aria-current={state === "next" ? "step" : undefined}>
              <span className="step-mark" aria-hidden="true">
                {isDone ? "✓" : ""}
              </span>
              {isDone ? done : todo}
            </li>
          );
        })}
      </ol>
      <p className="form-error" role="alert">
        {error}
      </p>
      <footer className="modal-footer">
        {cleaning && next && (
          <button
            className="button button-primary button-wide"
            type="button"
            disabled={busy}
            onClick={() => go(next.step)}
          >
            {next.todo} the job
          </button>
        )}
        {!cleaning && next && (
          <p className="muted">
            Waiting for {other.name.split(" ")[0]} to {next.step} the job.
          </p>
        )}
        {!cleaning && (job.status === "requested" || job.status === "confirmed") && <AnotherCleaner job={job} />}
        {!next && <p className="muted">This job is done. The chat stays open.</p>}
      </footer>
    </dialog>
  );
}
