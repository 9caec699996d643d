/** No host is heeded for longer, whatever it asks for: a day. */
export const MAX_RETRY_AFTER_MS = 86_400_000;

/**
 * The wait that a `Retry-After` asks for (RFC 9110, 10.2.3: seconds, or an HTTP-date), at most `MAX_RETRY_AFTER_MS`;
 * null where it is neither. `nowMs` is the time since 1970.
 */
export function retryAfterMs(text: string, nowMs: number): number | null {
  const trimmed = text.trim();
  if (/^\d{1,15}$/.test(trimmed)) return Math.min(Number(trimmed) * 1000, MAX_RETRY_AFTER_MS);
  // All three forms of RFC 9110, 5.6.7 begin with a day's name; what else Date.parse would take is no HTTP-date.
  if (trimmed.length > 40 || !/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(trimmed)) return null;
  const atMs = Date.parse(/GMT$/.test(trimmed) ? trimmed : `${trimmed} GMT`);
  return Number.isNaN(atMs) ? null : Math.min(Math.max(0, atMs - nowMs), MAX_RETRY_AFTER_MS);
}
