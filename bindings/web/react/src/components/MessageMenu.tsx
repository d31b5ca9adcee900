/** What can be done with a message. */

import { type KeyboardEvent, type RefObject, useEffect, useId, useRef, useState } from "react";
import { useTexts } from "./texts-context.js";

/** One of the things that can be done. */
export interface Action {
  readonly label: string;
  readonly run: () => void;
  readonly isGrave?: boolean;
}

export interface MessageMenuProps {
  readonly actions: readonly Action[];
  /** The message itself: where the focus goes back to. */
  readonly owner: RefObject<HTMLElement | null>;
}

/** To where it opens: towards the middle of the list, so that it is seen as a whole. */
interface Place {
  readonly block: "above" | "below";
  /** By which of its edges it is held: this is of the screen, not of the language. */
  readonly edge: "left" | "right";
}

function placeIn(list: DOMRect, { left, right, top }: DOMRect): Place {
  return {
    block: top > list.top + list.height / 2 ? "above" : "below",
    edge: left + right > list.left + list.right ? "right" : "left",
  };
}

export function MessageMenu({ actions, owner }: MessageMenuProps) {
  const texts = useTexts();
  const id = useId();
  const [place, setPlace] = useState<Place>();
  const menu = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!place) return;
    menu.current?.querySelector("button")?.focus();
    // The focus brings only what has it into sight, and the button may be at the edge of what is seen.
    menu.current?.scrollIntoView({ block: "nearest" });
    const onDown = (event: PointerEvent) => {
      if (!(event.target instanceof Node) || !menu.current?.parentElement?.contains(event.target)) setPlace(undefined);
    };
    document.addEventListener("pointerdown", onDown);
    return () => document.removeEventListener("pointerdown", onDown);
  }, [place]);

  const close = () => {
    setPlace(undefined);
    owner.current?.focus();
  };
  const toggle = () => {
    const list = owner.current?.closest(".ce-list")?.getBoundingClientRect();
    const button = owner.current?.querySelector(".ce-menu-button")?.getBoundingClientRect();
    setPlace(place || !list || !button ? undefined : placeIn(list, button));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...(menu.current?.querySelectorAll("button") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (to !== undefined) items[to % items.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span className="ce-menu-anchor">
      <button
        type="button"
        className="ce-menu-button"
        aria-label={texts.actions}
        aria-haspopup="menu"
        aria-expanded={place !== undefined}
        aria-controls={place ? id : undefined}
        // Reached from the message: the Enter key opens it. A stop for each message would be too many.
        tabIndex={-1}
        onClick={toggle}
      >
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M5 10h.01M10 10h.01M15 10h.01" />
        </svg>
      </button>
      {place && (
        <div
          ref={menu}
          id={id}
          className="ce-menu"
          data-place={place.block}
          data-edge={place.edge}
          role="menu"
          tabIndex={-1}
          onKeyDown={onKeyDown}
        >
          {actions.map(({ label, run, isGrave }) => (
            <button
              key={label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              data-grave={isGrave ? "" : undefined}
              onClick={() => {
                close();
                run();
              }}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </span>
  );
}
