import { useEffect, useState } from "react";
import { api, type Job, type Person } from "../api.js";
import { useJobs } from "./JobsProvider.js";

/** Lets the client give a job to somebody else, who then is in its chat instead. */
export function AnotherCleaner({ job }: { job: Job }) {
  const { give } = useJobs();
  const [others, setOthers] = useState<readonly Person[]>([]);
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
        <button key={id} className="button button-outline" type="button" onClick={() => give(job.id, id)}>
          Give it to {name} instead
        </button>
      ))}
    </div>
  );
}
