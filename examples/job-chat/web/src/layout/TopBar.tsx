import { Avatar } from "@chat-engine/react/components";
import { Link } from "react-router";
import { useAuth, useMe } from "../auth/AuthProvider.js";
import { NotificationsButton } from "../chat/NotificationsButton.js";
import { Logo } from "./Logo.js";

export function TopBar() {
  const { logOut } = useAuth();
  const me = useMe();
  return (
    <header className="top-bar">
      <Link to="/" className="top-bar-home" aria-label="Brightside, my jobs">
        <Logo />
      </Link>
      <div className="top-bar-me">
        <NotificationsButton />
        <Avatar id={me.id} name={me.name} />
        <span className="top-bar-name">{me.name}</span>
        <button className="button button-quiet" type="button" onClick={logOut}>
          Log out
        </button>
      </div>
    </header>
  );
}
