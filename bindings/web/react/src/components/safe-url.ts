/** An address that somebody sent, if it may be fetched or followed: of the web, or of this site. */
export function safeUrl(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  if (/^\/(?![/\\])/u.test(url)) return url;
  return /^https?:\/\//iu.test(url) && isUrl(url) ? url : undefined;
}

/** Whether a text is an address. Browsers of before 2023 have no `URL.canParse`. */
export function isUrl(text: string): boolean {
  try {
    return new URL(text).href !== "";
  } catch {
    return false;
  }
}
