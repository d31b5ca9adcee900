/** An address that somebody sent, if it may be fetched or followed: of the web, or of this site. */
export function safeUrl(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  if (/^\/(?![/\\])/u.test(url)) return url;
  return /^https?:\/\//iu.test(url) && URL.canParse(url) ? url : undefined;
}
