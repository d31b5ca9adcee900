const WHEN = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "numeric",
  minute: "2-digit",
});

export function JobWhen({ at }: { at: number }) {
  const when = new Date(at);
  return <time dateTime={when.toISOString()}>{WHEN.format(when)}</time>;
}
