/** Days and times, in the user's own time zone. */

/** The day of a moment, as something to compare. */
export function dayOf(at: string): string {
  return new Date(at).toDateString();
}

/** `10:42`, as the language has it. */
export function clock(at: string, locale: string): string {
  return formats(locale).clock.format(new Date(at));
}

/** All of it, for whoever wants to know exactly. */
export function exactly(at: string, locale: string): string {
  return formats(locale).exact.format(new Date(at));
}

/** `Today`, `Yesterday`, a day of this week, or a date. */
export function dayName(at: string, locale: string, now = new Date()): string {
  const then = new Date(at);
  const days = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  const { day, date, relative } = formats(locale);
  if (days === 0 || days === 1) return capitalized(relative.format(-days, "day"), locale);
  if (days > 1 && days < 7) return day.format(then);
  return date.format(then);
}

/** When something was, in little room: a time today, else a day or a date. */
export function briefly(at: string, locale: string, now = new Date()): string {
  if (dayOf(at) === now.toDateString()) return clock(at, locale);
  const days = (midnight(now) - midnight(new Date(at))) / 86_400_000;
  const { shortDay, shortDate } = formats(locale);
  return (days < 7 ? shortDay : shortDate).format(new Date(at));
}

function midnight(at: Date): number {
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
}

function capitalized(text: string, locale: string): string {
  return text.slice(0, 1).toLocaleUpperCase(locale) + text.slice(1);
}

interface Formats {
  readonly clock: Intl.DateTimeFormat;
  readonly exact: Intl.DateTimeFormat;
  readonly day: Intl.DateTimeFormat;
  readonly date: Intl.DateTimeFormat;
  readonly shortDay: Intl.DateTimeFormat;
  readonly shortDate: Intl.DateTimeFormat;
  readonly relative: Intl.RelativeTimeFormat;
}

/** Making one costs more than a hundred uses of it. */
const made = new Map<string, Formats>();

function formats(locale: string): Formats {
  let found = made.get(locale);
  if (!found) {
    found = {
      clock: new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }),
      exact: new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" }),
      day: new Intl.DateTimeFormat(locale, { weekday: "long" }),
      date: new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" }),
      shortDay: new Intl.DateTimeFormat(locale, { weekday: "short" }),
      shortDate: new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }),
      relative: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
    };
    made.set(locale, found);
  }
  return found;
}
