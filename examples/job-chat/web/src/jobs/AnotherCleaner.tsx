import { useEffect, useState } from "react";
import { ApiError, api, type Job, type Person } from "../api.js";
import { useJobs } from "./JobsProvider.js";

/** Lets the client give a job to somebody else, who then is in its chat instead. */
export function AnotherCleaner({ job }: { job: Job }) {
  const { give } = useJobs();
  const [others, setOthers] = useState<readonly Person[]>([]);
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const giveTo = async (id: string) => {
    setBusy(true);
    setProblem(undefined);
    await give(job.id, id).catch((error: unknown) =>
      setProblem(error instanceof ApiError ? error.message : "Something went wrong. Please try again."),
    );
    setBusy(false);
  };
  useEffect(() => {
    let current = true;
    api.cleaners().then(
      (all) => current && setOthers(all.filter(({ id }) => id !== job.cleaner.id)),
      // Then there is nobody to choose, for now.
      () => {},
    );
    return () => {
      current = false;
    };
  }, [job.cleaner.id]);
  return (
    <div className="another-cleaner">
      {others.map(({ id, name }) => (
        <button key={id} className="button button-outline" type="button" disabled={busy} onClick={() => giveTo(id)}>
          Give it to {name} instead
        </button>
      ))}
      {problem && (
        <p className="form-error" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
