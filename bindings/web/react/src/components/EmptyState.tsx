/** A room in which nothing was said yet. */

import { useTexts } from "./texts-context.js";

export function EmptyState() {
  const texts = useTexts();
  return (
    <div className="ce-empty">
      <svg viewBox="0 0 96 80" aria-hidden="true">
        <path
          className="ce-empty-back"
          d="M34 8h44a10 10 0 0 1 10 10v22a10 10 0 0 1-10 10h-2v11l-13-11H34a10 10 0 0 1-10-10V18A10 10 0 0 1 34 8Z"
        />
        <path
          className="ce-empty-front"
          d="M18 26h42a10 10 0 0 1 10 10v20a10 10 0 0 1-10 10H35L22 76V66h-4A10 10 0 0 1 8 56V36a10 10 0 0 1 10-10Z"
        />
        <path className="ce-empty-lines" d="M22 41h34M22 51h22" />
      </svg>
      <p className="ce-empty-title">{texts.emptyTitle}</p>
      <p>{texts.emptyText}</p>
    </div>
  );
}
