/** A few emoji to choose from. The keyboard of the device has all of them. */

import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTexts } from "./texts-context.js";

// Apart from each other: some consist of several code points, and not every browser can tell which belong together.
const EMOJI =
  "😀 😄 😂 😊 😍 😘 😎 🤔 😅 😉 😢 😭 😡 😴 🥳 🤗 👍 👎 👏 🙏 💪 👋 👌 🤝 ❤️‍🔥 🎉 🔥 ⭐ ✅ ❌ ⏰ 📍 🏠 🧹 🧽 🚗 ☕ 🍀";

export function EmojiButton({ onPick }: { readonly onPick: (emoji: string) => void }) {
  const texts = useTexts();
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    box.current?.querySelector<HTMLElement>(".ce-emoji button")?.focus();
    const onDown = (event: PointerEvent) => {
      if (!(event.target instanceof Node) || !box.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", onDown);
    return () => document.removeEventListener("pointerdown", onDown);
  }, [isOpen]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    setOpen(false);
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears the Escape key of what is in it.
    <div className="ce-emoji-box" ref={box} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        className="ce-icon-button"
        aria-label={texts.emoji}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0ZM9 9.5h.01M15 9.5h.01M8.2 14.2a4.6 4.6 0 0 0 7.6 0" />
        </svg>
      </button>
      {isOpen && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as one.
        <div className="ce-emoji" role="group" aria-label={texts.emoji}>
          {EMOJI.split(" ").map((emoji) => (
            <button
              key={emoji}
              type="button"
              onClick={() => {
                setOpen(false);
                onPick(emoji);
              }}
            >
              {emoji}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
