/** Days and times, in the user's own time zone. */

/** The day of a moment, as something to compare. */
export function dayOf(at: string): string {
  return new Date(at).toDateString();
}

/** `10:42`, as the language has it. */
export function clock(at: string, locale: string): string {
  return format("clock", locale).format(new Date(at));
}

/** All of it, for whoever wants to know exactly. */
export function exactly(at: string, locale: string): string {
  return format("exact", locale).format(new Date(at));
}

/** `Today`, `Yesterday`, a day of this week, or a date. */
export function dayName(at: string, locale: string, now = new Date()): string {
  const then = new Date(at);
  const days = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  if (days === 0 || days === 1) return capitalized(format("relative", locale).format(-days, "day"), locale);
  if (days > 1 && days < 7) return format("day", locale).format(then);
  return format("date", locale).format(then);
}

/** When something was, in little room: a time today, else a day or a date. */
export function briefly(at: string, locale: string, now = new Date()): string {
  if (dayOf(at) === now.toDateString()) return clock(at, locale);
  const days = (midnight(now) - midnight(new Date(at))) / 86_400_000;
  return format(days < 7 ? "shortDay" : "shortDate", locale).format(new Date(at));
}

function midnight(at: Date): number {
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
}

function capitalized(text: string, locale: string): string {
  return text.slice(0, 1).toLocaleUpperCase(locale) + text.slice(1);
}

const FORMATS = {
  clock: (locale: string) => new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }),
  exact: (locale: string) => new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" }),
  day: (locale: string) => new Intl.DateTimeFormat(locale, { weekday: "long" }),
  date: (locale: string) => new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" }),
  shortDay: (locale: string) => new Intl.DateTimeFormat(locale, { weekday: "short" }),
  shortDate: (locale: string) => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }),
  relative: (locale: string) => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
};

/** Making one takes milliseconds, more than a hundred uses of it: only those that are used are made, and once. */
const made = new Map<string, unknown>();

function format<N extends keyof typeof FORMATS>(name: N, locale: string): ReturnType<(typeof FORMATS)[N]> {
  const key = `${name} ${locale}`;
  if (!made.has(key)) made.set(key, FORMATS[name](locale));
  return made.get(key) as ReturnType<(typeof FORMATS)[N]>;
}
