import { Navigate, Outlet, useLocation } from "react-router";
import { ChatConnection } from "../chat/ChatConnection.js";
import { Notices } from "../chat/Notices.js";
import { JobsProvider } from "../jobs/JobsProvider.js";
import { useAuth } from "./AuthProvider.js";

/** What only somebody who is logged in may see, and what they all need: their jobs, and one connection to the chat. */
export function ProtectedRoute() {
  const { me } = useAuth();
  const { pathname } = useLocation();
  if (me === undefined) return <div className="page-loading" role="status" aria-label="Loading" />;
  if (me === null) return <Navigate to="/login" state={{ from: pathname }} replace />;
  return (
    <ChatConnection me={me}>
      <JobsProvider>
        <Notices />
        <Outlet />
      </JobsProvider>
    </ChatConnection>
  );
}
