/** State that can be watched: what every user interface framework can sit on. */

/** State with listeners. `getSnapshot` returns the same object until something changes, as React's
 * `useSyncExternalStore` asks for. */
export interface Store<T> {
  /** Calls `listener` after every change, until the returned function is called. */
  subscribe(listener: () => void): () => void;
  /** What holds now. It is never changed afterwards. */
  getSnapshot(): T;
}

/** A store that makes its snapshot when somebody asks for it. */
export abstract class Observable<T> implements Store<T> {
  readonly #listeners = new Set<() => void>();
  /** Those who look on without their interest counting. */
  readonly #onlookers = new Set<() => void>();
  #snapshot: T | undefined;

  /** See {@link Store.subscribe}. */
  subscribe = (listener: () => void): (() => void) => {
    // The same function may listen twice; each time is its own.
    const own = () => listener();
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.watched(true);
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.watched(false);
    };
  };

  /** Listens without counting as somebody who wants it kept up to date. @internal */
  observe(listener: () => void): () => void {
    this.#onlookers.add(listener);
    return () => this.#onlookers.delete(listener);
  }

  /** See {@link Store.getSnapshot}. */
  getSnapshot = (): T => {
    this.#snapshot ??= this.picture();
    return this.#snapshot;
  };

  /** Makes the snapshot of what holds now. */
  protected abstract picture(): T;

  /** The first listener came, or the last one went. */
  protected watched(_on: boolean): void {}

  /** Something changed. */
  protected changed(): void {
    this.#snapshot = undefined;
    for (const listener of [...this.#listeners, ...this.#onlookers]) tell(listener, undefined);
  }
}

/** Tells a listener. One that throws is the application's to hear of, and keeps nobody else from being told. */
export function tell<T>(listener: (news: T) => void, news: T): void {
  try {
    listener(news);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/**
 * Waits until a store's snapshot fulfils a condition, and returns that snapshot.
 *
 * @example
 * ```ts
 * const room = chat.room("job:42");
 * const { messages } = await when(room, (now) => now.status === "live");
 * ```
 */
export function when<T>(store: Store<T>, fulfilled: (snapshot: T) => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    let stop: (() => void) | undefined;
    const look = () => {
      try {
        const snapshot = store.getSnapshot();
        if (!fulfilled(snapshot)) return false;
        resolve(snapshot);
      } catch (error) {
        reject(error);
      }
      stop?.();
      return true;
    };
    if (!look()) stop = store.subscribe(look);
  });
}
