import { setTimeout as delay } from 'node:timers/promises';

/** Between a first failure, which may be a restart, a lost packet or a full house, and the try that decides. */
export const SECOND_TRY_AFTER_MS = 2000;

/** False = interrupted. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    // A signal of its own: hundreds of listeners on one look like a leak.
    await delay(ms, undefined, { signal: AbortSignal.any([signal]) });
    return true;
  } catch {
    return false;
  }
}
