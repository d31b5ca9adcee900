import { useChatRooms, useWebSocket } from "@chat-engine/react";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { ApiError, api, type Job, type Step } from "../api.js";
import { useAuth } from "../auth/AuthProvider.js";

interface Jobs {
  /** My jobs, the next one first; `undefined` until they are known. */
  readonly jobs: readonly Job[] | undefined;
  readonly take: (job: number, step: Step) => Promise<void>;
  readonly give: (job: number, cleaner: string) => Promise<void>;
}

const JobsContext = createContext<Jobs | null>(null);

/** My jobs. Every step of a job is told in its chat, so the chat says when to look again. */
export function JobsProvider({ children }: { children: ReactNode }) {
  const [jobs, setJobs] = useState<readonly Job[]>();
  const { sessionEnded } = useAuth();
  const { client } = useWebSocket();
  const { rooms } = useChatRooms();
  const mine = rooms
    .map(({ roomId }) => roomId)
    .sort()
    .join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: which rooms there are is not read, it says when to look
  useEffect(() => {
    let current = true;
    const failed = (error: unknown) => {
      if (error instanceof ApiError && error.status === 401) sessionEnded();
    };
    const look = () => void api.jobs().then((jobs) => current && setJobs(jobs), failed);
    look();
    const stop = client.on("message", ({ message }) => {
      if (message.message_type === "system") look();
    });
    return () => {
      current = false;
      stop();
    };
  }, [mine, client, sessionEnded]);

  const changed = useCallback((job: Job) => setJobs((all) => all?.map((one) => (one.id === job.id ? job : one))), []);
  const take = useCallback(async (job: number, step: Step) => changed(await api.take(job, step)), [changed]);
  const give = useCallback(async (job: number, to: string) => changed(await api.give(job, to)), [changed]);
  const value = useMemo(() => ({ jobs, take, give }), [jobs, take, give]);
  return <JobsContext value={value}>{children}</JobsContext>;
}

export function useJobs(): Jobs {
  const jobs = useContext(JobsContext);
  if (!jobs) throw new Error("useJobs works below a <JobsProvider>");
  return jobs;
}
