import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { ApiError, api, type Person } from "../api.js";

interface Auth {
  /** Who is logged in; `undefined` while that is being asked. */
  readonly me: Person | null | undefined;
  readonly logIn: (email: string, password: string) => Promise<void>;
  readonly logOut: () => Promise<void>;
  /** The back end says that nobody is logged in any more. */
  readonly sessionEnded: () => void;
}

const AuthContext = createContext<Auth | null>(null);

export function AuthProvider({ children }: { children: ReactNode }) {
  const [me, setMe] = useState<Person | null>();

  useEffect(() => {
    let current = true;
    const found = (person: Person | null) => current && setMe(person);
    api.me().then(found, (error: unknown) => {
      // Whoever cannot be asked now is asked again by the next load.
      found(null);
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    });
    return () => {
      current = false;
    };
  }, []);

  const logIn = useCallback(async (email: string, password: string) => setMe(await api.logIn(email, password)), []);
  const sessionEnded = useCallback(() => setMe(null), []);
  const logOut = useCallback(async () => {
    await api.logOut();
    setMe(null);
  }, []);
  const auth = useMemo(() => ({ me, logIn, logOut, sessionEnded }), [me, logIn, logOut, sessionEnded]);
  return <AuthContext value={auth}>{children}</AuthContext>;
}

export function useAuth(): Auth {
  const auth = useContext(AuthContext);
  if (!auth) throw new Error("useAuth works below an <AuthProvider>");
  return auth;
}

/** Whoever is logged in, below a `ProtectedRoute`. */
export function useMe(): Person {
  const { me } = useAuth();
  if (!me) throw new Error("useMe works below a <ProtectedRoute>");
  return me;
}
