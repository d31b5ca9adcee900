import { useState } from "react";
import { useMe } from "../auth/AuthProvider.js";
import { TopBar } from "../layout/TopBar.js";
import { JobCard } from "./JobCard.js";
import { useJobs } from "./JobsProvider.js";
import { JobWorkflowModal } from "./JobWorkflowModal.js";
import { useUnread } from "./useUnread.js";

export function DashboardPage() {
  const me = useMe();
  const { jobs } = useJobs();
  const unread = useUnread();
  const [opened, setOpened] = useState<number>();
  const job = jobs?.find(({ id }) => id === opened);
  const upcoming = jobs?.filter(({ status }) => status !== "finished") ?? [];
  const finished = jobs?.filter(({ status }) => status === "finished") ?? [];
  return (
    <>
      <TopBar />
      <main className="dashboard">
        <h1>Hello {me.name.split(" ")[0]}</h1>
        <p className="muted dashboard-lead">
          {jobs && `${upcoming.length} ${upcoming.length === 1 ? "job" : "jobs"} ahead`}
        </p>
        {[
          { title: "Ahead", list: upcoming },
          { title: "Done", list: finished },
        ].map(
          ({ title, list }) =>
            list.length > 0 && (
              <section key={title} aria-label={title}>
                <h2>{title}</h2>
                <ul className="job-list">
                  {list.map((job) => (
                    <JobCard key={job.id} job={job} me={me} unread={unread(job.id)} onOpen={() => setOpened(job.id)} />
                  ))}
                </ul>
              </section>
            ),
        )}
      </main>
      {job && <JobWorkflowModal job={job} unread={unread(job.id)} onClose={() => setOpened(undefined)} />}
    </>
  );
}
