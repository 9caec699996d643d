const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const grouping = new Intl.NumberFormat('en');

/** `149,012`. */
export function number(value: number): string {
  return grouping.format(value);
}

/**
 * A share of whole numbers, cut and never rounded: `100 %` only where nothing is missing, `0 %` only where all is.
 * Nothing of nothing is `0 %`.
 */
export function percent(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0\u00a0%';
  if (part === whole) return '100\u00a0%';
  const hundredths = Math.floor((part * 10_000) / whole);
  return hundredths === 0 ? '<\u00a00.01\u00a0%' : `${(hundredths / 100).toFixed(2)}\u00a0%`;
}

/** The largest whole unit of a time in milliseconds: `45 s`, `12 min`, `3 h`, `2 d`. */
export function age(elapsedMs: number): string {
  const ms = Math.max(0, elapsedMs);
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1000)}\u00a0s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}\u00a0min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)}\u00a0h`;
  return `${number(Math.floor(ms / DAY_MS))}\u00a0d`;
}

/** `2026-10-01 12:00 UTC`. */
export function utcTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** For `<time datetime>`. */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** `3 Nov`, of a day like `2026-11-03`. */
export function dayName(day: string): string {
  const atMs = Date.parse(day);
  return Number.isNaN(atMs) ? day : dayFormat.format(atMs).replace(' ', '\u00a0');
}

/** `1 access point`, `2 access points`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** Whether a URL may become a link: others than http and https are shown as text. */
export function isWebUrl(url: string): boolean {
  return /^https?:\/\//.test(url);
}

// Control characters, those that reorder or hide text, and halves of surrogate pairs.
const HARMFUL = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu;

/** The same value, deeply, with `\ufffd` for each character that could disturb a page beyond what escaping mends. */
export function harmless<T>(value: T): T {
  if (typeof value === 'string') return value.replace(HARMFUL, '\ufffd') as T;
  if (Array.isArray(value)) return value.map(harmless) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, harmless(inner)])) as T;
}
