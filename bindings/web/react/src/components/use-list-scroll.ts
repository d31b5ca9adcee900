/** Where the list is scrolled to: it stays at its end, and does not pull a reader down. */

import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Chat } from "../types.js";
import type { Row } from "./rows.js";
import { useBrowserLayoutEffect } from "./use-browser-layout-effect.js";
import { type Aim, useJump } from "./use-jump.js";
import { useLatest } from "./use-latest.js";
import { useLeaving } from "./use-leaving.js";
import { isSeen, useReturn } from "./use-seen.js";

/** Within so many pixels of an end, one is at it. */
const NEAR_END = 24;
/** Within so many pixels of the first message held, older ones are fetched. */
const NEAR_START = 800;

export interface ListScroll {
  readonly list: RefObject<VirtualizerHandle | null>;
  /** Whether older messages were put before those that were shown. */
  readonly isPrepended: boolean;
  readonly isAtEnd: boolean;
  readonly onScroll: () => void;
  readonly toEnd: () => void;
  /** Goes to a message, by its number or its id. */
  readonly jumpTo: (to: number | string) => void;
  /** The message that is gone to. */
  readonly aim: Aim | undefined;
}

/** `box` is what scrolls; the list is the last thing in it. `isKnown`: whether it is known what was unread. */
export function useListScroll(
  box: RefObject<HTMLElement | null>,
  chat: Chat,
  rows: readonly Row[],
  isKnown: boolean,
): ListScroll {
  const list = useRef<VirtualizerHandle>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const [, setDay] = useState(() => new Date().toDateString());
  const stick = useRef(true);
  /** Somebody has begun to move it away from its end, and it has not moved yet. */
  const leaves = useRef(false);
  const placed = useRef(false);
  /** Where the list was when it was looked at last. */
  const place = useRef({ offset: 0, size: 0, window: 0, rows });
  const firstKey = rows[0]?.message.key;
  const lastRow = rows.at(-1);
  const before = useRef<{ first?: string | undefined; last?: string | undefined; hasNewer?: boolean }>({});
  const isPrepended =
    before.current.first !== undefined &&
    before.current.first !== firstKey &&
    before.current.last === lastRow?.message.key;
  const { aim, jump, stop } = useJump(list, chat.jumpTo, rows);
  const latest = useLatest({ chat, rows, aim });

  /**
   * To what is the end now. The list's own way to its last row goes on while rows are measured, by the row's place: where
   * rows were let go meanwhile, there is none at that place.
   */
  const stay = useCallback(() => {
    const scrolled = box.current;
    if (scrolled) scrolled.scrollTop = scrolled.scrollHeight;
  }, [box]);

  /** Tells how far was read, and fetches what comes next in either direction. */
  const look = useCallback(() => {
    const handle = list.current;
    if (!handle || !box.current || !placed.current) return;
    const { chat, rows, aim } = latest.current;
    // As the browser has it: the list itself hears of it a little later.
    const { scrollTop: offset, scrollHeight: size, clientHeight: window } = box.current;
    // Where it is not shown, nothing is known of where one is in it.
    if (window === 0) return;
    const was = place.current;
    place.current = { offset, size, window, rows };
    // What came and what was let go may be of the same size: then it has moved, and nobody has moved it.
    const isSame = size === was.size && window === was.window && rows === was.rows;
    const end = offset + window;
    const atEnd = !chat.hasNewer && size - end <= NEAR_END;
    if (!atEnd) leaves.current = false;
    if (atEnd && offset >= was.offset && !leaves.current && !aim) stick.current = true;
    // Where nothing came and nothing was measured, somebody has moved it.
    else if (!atEnd && offset < was.offset && isSame) stick.current = false;
    setAtEnd(atEnd || stick.current);
    // Whoever comes back in the morning sees what was said last as of yesterday.
    setDay(new Date().toDateString());
    if (offset < NEAR_START && chat.hasOlder) void chat.loadOlder().catch(ignored);
    if (size - end < NEAR_START && chat.hasNewer) void chat.loadNewer().catch(ignored);
    if (chat.status !== "live" || rows.length === 0 || !isSeen(box.current)) return;
    const last = stick.current ? rows.length - 1 : handle.findItemIndex(handle.scrollOffset + handle.viewportSize - 1);
    const seq = lastSeq(rows, last);
    if (chat.unreadCount > 0 && seq > 0) chat.markRead(seq);
  }, [box, latest]);
  useReturn(box, look);

  const begins = useCallback(() => {
    leaves.current = true;
    stick.current = false;
  }, []);
  const ends = useCallback(() => {
    leaves.current = false;
    look();
  }, [look]);
  useLeaving(box, begins, ends);

  useBrowserLayoutEffect(() => {
    const handle = list.current;
    const last = rows.at(-1);
    const { hasNewer } = latest.current.chat;
    // What was just written; not one's own that comes with a page of what was said.
    const isLatest = last?.message.seq === undefined || !(hasNewer || before.current.hasNewer);
    const isMineNew = last?.message.isMine === true && last.message.key !== before.current.last && isLatest;
    before.current = { first: rows[0]?.message.key, last: last?.message.key, hasNewer };
    if (!handle || rows.length === 0 || !isKnown) return;
    if (!placed.current) {
      placed.current = true;
      const unread = rows.findIndex(({ startsUnread }) => startsUnread);
      // Where more is unread than is held, no row begins it, and the list begins at its end.
      stick.current = unread < 0;
      if (unread >= 0) handle.scrollToIndex(unread, { align: "start", offset: -64 });
      else stay();
    } else {
      // What comes while nobody can see it waits below what was seen.
      stick.current = isMineNew || (stick.current && !document.hidden);
      if (stick.current) stay();
    }
  }, [rows, isKnown, stay, latest]);

  // After the drawing: then the list knows how large everything is.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is looked again whenever one of these changes.
  useEffect(() => {
    const frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
  }, [rows, aim, chat.status, chat.unreadCount, chat.hasOlder, chat.hasNewer, look]);

  // What was drawn is measured after that, and only then it is known whether it fits; its window may change as well.
  useEffect(() => {
    const content = box.current?.lastElementChild;
    if (!box.current || !content) return;
    let frame = 0;
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        if (placed.current && stick.current) stay();
        look();
      });
    });
    observer.observe(box.current);
    observer.observe(content);
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
    };
  }, [box, look, stay]);

  // The button that was used may go with what is gone to: the focus stays in the list.
  const toEnd = useCallback(() => {
    box.current?.focus();
    stop();
    stick.current = true;
    void latest.current.chat
      .jumpToLatest()
      .catch(ignored)
      .then(() => requestAnimationFrame(stay));
  }, [box, latest, stay, stop]);

  const jumpTo = useCallback(
    (to: number | string) => {
      box.current?.focus();
      stick.current = false;
      jump(to);
    },
    [box, jump],
  );

  return { list, isPrepended, isAtEnd, onScroll: look, toEnd, jumpTo, aim };
}

/** The number of the last stored message up to a row. */
function lastSeq(rows: readonly Row[], from: number): number {
  for (let at = Math.min(from, rows.length - 1); at >= 0; at -= 1) {
    const seq = rows[at]?.message.seq;
    if (seq !== undefined) return seq;
  }
  return 0;
}

/** What could not be fetched is fetched when it is looked again. */
function ignored(): void {}
