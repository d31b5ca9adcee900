import { Link } from "react-router";

export function NotFoundPage() {
  return (
    <main className="page-message">
      <h1>There is nothing here</h1>
      <p className="muted">The address may be wrong, or the job is no longer yours.</p>
      <Link className="button button-primary" to="/">
        To my jobs
      </Link>
    </main>
  );
}
