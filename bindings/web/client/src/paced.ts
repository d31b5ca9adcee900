/** State for what is drawn: told no more often than a screen shows it. */

import { type Store, tell } from "./store.js";

/** How long to wait for a frame. A page that nobody looks at gets none, and its title still counts what is unread. */
const FRAME_MS = 100;

/**
 * The same state, told to each listener at once and then at most once a frame, however fast it changes. The snapshot is
 * always the latest, and the last change is always told.
 *
 * @example
 * ```ts
 * const stop = paced(room).subscribe(() => render(room.getSnapshot()));
 * ```
 */
export function paced<T>(store: Store<T>): Store<T> {
  return {
    getSnapshot: store.getSnapshot,
    subscribe(listener) {
      const pace = new Pace(listener);
      const stop = store.subscribe(pace.changed);
      return () => {
        stop();
        pace.end();
      };
    },
  };
}

/** One listener. */
class Pace {
  readonly #listener: () => void;
  /** Gives up the frame that is awaited. */
  #cancel: (() => void) | undefined;
  /** Whether something changed since the listener was told. */
  #late = false;

  constructor(listener: () => void) {
    this.#listener = listener;
  }

  readonly changed = (): void => {
    if (this.#cancel) {
      this.#late = true;
      return;
    }
    this.#cancel = nextFrame(() => {
      this.#cancel = undefined;
      if (!this.#late) return;
      this.#late = false;
      this.changed();
    });
    tell(this.#listener, undefined);
  };

  end(): void {
    this.#cancel?.();
    this.#late = false;
  }
}

/** Runs `work` with the next frame, or as soon as this is done where there are no frames. Returns what gives it up. */
function nextFrame(work: () => void): () => void {
  let waiting = true;
  const run = () => {
    if (!waiting) return;
    cancel();
    work();
  };
  let cancel = () => {
    waiting = false;
  };
  if (typeof requestAnimationFrame === "function") {
    const frame = requestAnimationFrame(run);
    const timer = setTimeout(run, FRAME_MS);
    cancel = () => {
      waiting = false;
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  } else {
    queueMicrotask(run);
  }
  return cancel;
}
