/** Going to a message, be it held or not: it is fetched, brought to the middle, and shown for a while as what was sought. */

import { type RefObject, useCallback, useEffect, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Chat } from "../types.js";
import type { Row } from "./rows.js";

/** How long a message that was jumped to is shown as such. */
const SHOWN_MS = 1_600;

/** A message that is gone to: its number, once that is known. */
export interface Aim {
  readonly seq?: number;
}

export interface Jump {
  /** Where it goes; none as soon as that was shown. */
  readonly aim: Aim | undefined;
  /** Goes to a message, by its number or its id. */
  readonly jump: (to: number | string) => void;
  /** Goes nowhere any more. */
  readonly stop: () => void;
}

export function useJump(list: RefObject<VirtualizerHandle | null>, jumpTo: Chat["jumpTo"], rows: readonly Row[]): Jump {
  const [aim, setAim] = useState<Aim>();
  const stop = useCallback(() => setAim(undefined), []);
  const jump = useCallback(
    (to: number | string) => {
      const begun = {};
      setAim(begun);
      // Whoever has gone elsewhere meanwhile is not called back.
      const arrive = (there: Aim | undefined) => setAim((now) => (now === begun ? there : now));
      void jumpTo(to).then(
        (seq) => arrive({ seq }),
        () => arrive(undefined),
      );
    },
    [jumpTo],
  );

  const at = aim?.seq === undefined ? -1 : rows.findIndex(({ message }) => message.seq === aim.seq);
  const isDrawn = at >= 0;
  // The answer may be here before its rows are drawn: what it is shown for begins with those.
  // biome-ignore lint/correctness/useExhaustiveDependencies: gone to once, wherever it is by then.
  useEffect(() => {
    if (aim?.seq === undefined) return;
    if (isDrawn) list.current?.scrollToIndex(at, { align: "center" });
    const end = setTimeout(stop, SHOWN_MS);
    return () => clearTimeout(end);
  }, [aim, isDrawn, list, stop]);

  return { aim, jump, stop };
}
