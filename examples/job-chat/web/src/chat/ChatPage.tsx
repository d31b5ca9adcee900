import { Avatar, ChatRoom } from "@chat-engine/react/components";
import { Link, useParams } from "react-router";
import { useMe } from "../auth/AuthProvider.js";
import { useJobs } from "../jobs/JobsProvider.js";
import { JobWhen } from "../jobs/JobWhen.js";
import { otherOf } from "../jobs/otherOf.js";
import { StatusPill } from "../jobs/StatusPill.js";
import { NotFoundPage } from "../layout/NotFoundPage.js";
import { ChatSidebar } from "./ChatSidebar.js";

/** The chat about one job. */
export function ChatPage() {
  const id = Number(useParams().jobId);
  const me = useMe();
  const { jobs } = useJobs();
  const job = jobs?.find((job) => job.id === id);
  if (!jobs) return <div className="page-loading" role="status" aria-label="Loading" />;
  if (!job) return <NotFoundPage />;
  const other = otherOf(job, me);
  return (
    <div className="chat-page">
      <ChatSidebar open={job.id} />
      <div className="chat-one">
        <header className="chat-header">
          <Link to="/" className="button button-quiet button-icon" aria-label="Back to my jobs">
            <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
              <path d="M15 5l-7 7 7 7" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
            </svg>
          </Link>
          <Avatar id={other.id} name={other.name} />
          <div className="chat-header-text">
            <h1>{other.name}</h1>
            <p className="muted">
              {job.title} · <JobWhen at={job.at} />
            </p>
          </div>
          <StatusPill status={job.status} />
        </header>
        <main className="chat-main">
          <ChatRoom roomId={job.id} key={job.id} />
        </main>
      </div>
    </div>
  );
}
