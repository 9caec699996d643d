import * as z from 'zod';

/** Kinds of values that several TOML files have; what is wrong with one is told by what is allowed. */

/** For a schema that stands where something else may have been written. */
export const allowed = (what: string) => ({ error: `allowed: ${what}` });

/** Where something else than a table stands. */
export const table = allowed('a table of keys');

/** A text that is not empty; `what` says what may stand there. */
export const text = (what: string) => z.string(allowed(what)).min(1, allowed(what));

export const truth = z.boolean(allowed('true, false'));

/** Both ends are allowed. */
export function numberFrom(min: number, max: number) {
  const what = allowed(`a number from ${min} to ${max}`);
  return z.number(what).min(min, what).max(max, what);
}

/** At least one of a kind; `what` says what the list may be. */
export const someOf = <T extends z.ZodType>(one: T, what: string) => z.array(one, allowed(what)).min(1, allowed(what));
