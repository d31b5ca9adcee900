import { type FormEvent, useState } from "react";
import { Navigate, useLocation } from "react-router";
import { Logo } from "../layout/Logo.js";
import { useAuth } from "./AuthProvider.js";

const DEMO = [
  { email: "client1@test.com", who: "Clara, who has jobs to give" },
  { email: "cleaner1@test.com", who: "Kim, who does them" },
];
const DEMO_PASSWORD = "testpass123";

export function LoginPage() {
  const { me, logIn } = useAuth();
  const from = (useLocation().state as { from?: string } | null)?.from ?? "/";
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  if (me) return <Navigate to={from} replace />;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await logIn(email, password);
    } catch (error) {
      setError(error instanceof Error ? error.message : "Something went wrong. Please try again.");
      setBusy(false);
    }
  };

  return (
    <main className="login">
      <div className="login-card">
        <Logo />
        <h1>Welcome back</h1>
        <p className="muted">Your jobs, and the chat about each of them.</p>
        <form onSubmit={submit}>
          <label className="field">
            E-mail address
            <input
              type="email"
              autoComplete="username"
              required
              value={email}
              onChange={({ target }) => setEmail(target.value)}
            />
          </label>
          <label className="field">
            Password
            <input
              type="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={({ target }) => setPassword(target.value)}
            />
          </label>
          <p className="form-error" role="alert">
            {error && `${error.charAt(0).toUpperCase()}${error.slice(1)}.`}
          </p>
          <button className="button button-primary button-wide" type="submit" disabled={busy}>
            {busy ? "Logging in…" : "Log in"}
          </button>
        </form>
        <section className="login-demo" aria-label="Demo users">
          <p className="muted">Try it as</p>
          {DEMO.map(({ email, who }) => (
            <button
              key={email}
              className="login-demo-user"
              type="button"
              onClick={() => {
                setEmail(email);
                setPassword(DEMO_PASSWORD);
              }}
            >
              <span>{email}</span>
              <span className="muted">{who}</span>
            </button>
          ))}
        </section>
      </div>
    </main>
  );
}
