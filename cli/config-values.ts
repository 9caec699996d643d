import * as z from 'zod';

/** Kinds of values that several tables have; what is wrong with one is told by what is allowed. */

const DURATION = /^\d+(ms|s|m|h|d)$/;
const DURATION_ALLOWED = 'allowed: a time like "10s", "15m", "6h", "14d"';
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const NAME = 'allowed: a name of a-z, 0-9 and hyphens';
const FROM_ONE = 'allowed: a whole number from 1';

export const name = z.string({ error: NAME }).regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: NAME });

export const atLeastOne = z.int({ error: FROM_ONE }).min(1, { error: FROM_ONE });

/** A time like "20m", as milliseconds. */
export const duration = z
  .string({ error: DURATION_ALLOWED })
  .regex(DURATION, { error: DURATION_ALLOWED })
  .transform(milliseconds)
  .refine((ms) => ms > 0, { error: 'allowed: a time longer than nothing' });

/** Milliseconds of a time like "20m"; null where it is none, or no time at all. */
export function durationMs(text: string): number | null {
  return DURATION.test(text) && milliseconds(text) > 0 ? milliseconds(text) : null;
}

function milliseconds(text: string): number {
  return Number.parseInt(text, 10) * (UNITS[text.replace(/^\d+/, '')] as number);
}

/** Whether it is an http or https URL without user, query and fragment. */
export function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '' && url.hostname !== ''
  );
}

/** Complains of a name that an earlier one of these tables has. */
export function twinProblems(
  all: readonly { readonly name: string }[],
): { path: (string | number)[]; message: string }[] {
  return all.flatMap(({ name }, i) => {
    const isTwin = all.findIndex((other) => other.name === name) < i;
    return isTwin ? [{ path: [i, 'name'], message: 'allowed: a name that no other has' }] : [];
  });
}
