import type { HeadClient } from '../net/head-client.ts';
import type { HeadRunReport } from '../net/head-run.ts';
import { DEFAULT_LIMITS } from '../net/host-budget.ts';
import { isRefusal } from '../net/refusals.ts';
import { pause, SECOND_TRY_AFTER_MS } from '../second-try.ts';
import type { CheckTask } from './contract.ts';

/** Fewer, or fewer beside the others, are hardly a host's weariness: they are not worth the pause, and left for the next run. */
const SUSPICIOUSLY_MANY = 10;
const SUSPICIOUS_SHARE = 0.01;
const SAMPLE_SIZE = 4;
const MAX_ROUNDS = 4;
/** So much slower each time. */
const SLOWER = 4;
const SLOWEST_PER_SECOND = 5;
/** lighttpd keeps a file open for three seconds: twice the usual pause. */
const PAUSES = 2;

/**
 * Whether an answer may be about the server rather than about what it was asked for: forbidden by one that has no file
 * descriptor left (lighttpd), or by a firewall that counts requests; failed by a proxy whose server is too busy.
 */
export function isPerhapsPassing(status: number): boolean {
  return status === 403 || (status >= 500 && !isRefusal(status));
}

/** What was answered so. */
export interface Doubtful {
  /** Indexes into the task's objects. */
  readonly indexes: readonly number[];
  /** Objects that were answered otherwise meanwhile. */
  readonly others: number;
  /** How fast the server was asked meanwhile. */
  readonly requestsPerSecond: number;
  /** Asks for them as they were asked before; resolves to those that are answered so again. */
  readonly ask: (
    indexes: readonly number[],
  ) => Promise<Pick<HeadRunReport, 'ended'> & { readonly left: readonly number[] }>;
  readonly pathOf: (index: number) => string;
}

/**
 * Many such answers beside others: after a pause some are asked for once more, one at a time. Where one of them is
 * answered otherwise, the host was asked too fast: from then on it is asked at a quarter of the rate, and for all
 * of them again. Resolves to
 * those that are answered so all the same; null where it was interrupted.
 */
export async function askAgain(
  task: CheckTask,
  client: HeadClient,
  doubtful: Doubtful,
): Promise<readonly number[] | null> {
  const { acquaintance, secondTryAfterMs = SECOND_TRY_AFTER_MS, signal, accessPoint, hosts } = task;
  let left = doubtful.indexes;
  if (left.length < doubtful.others * SUSPICIOUS_SHARE) return left;
  // On loopback nothing else bounds it.
  let perSecond = Math.min(doubtful.requestsPerSecond, DEFAULT_LIMITS.requestsPerSecond);
  for (let round = 1; round <= MAX_ROUNDS && left.length >= SUSPICIOUSLY_MANY; round++) {
    if (acquaintance.meansWhatItForbids) break;
    if (!(await pause(secondTryAfterMs * PAUSES, signal))) return null;
    if (round === 1 && !(await isAnsweredOtherwise(client, doubtful))) {
      acquaintance.meansWhatItForbids = !signal.aborted;
      return signal.aborted ? null : left;
    }
    perSecond = Math.max(SLOWEST_PER_SECOND, perSecond / SLOWER);
    hosts.of(accessPoint.url).slowTo(perSecond);
    const again = await doubtful.ask(left);
    if (again.ended === 'interrupted') return null;
    const isInVain = again.left.length === left.length;
    left = again.left;
    if (isInVain || again.ended === 'gave up') break;
  }
  return left;
}

async function isAnsweredOtherwise(client: HeadClient, { indexes, pathOf }: Doubtful): Promise<boolean> {
  const step = Math.floor(indexes.length / SAMPLE_SIZE);
  const sample = Array.from({ length: SAMPLE_SIZE }, (_, i) => indexes[i * step] as number);
  const { answers } = await client.askFew(sample.map(pathOf));
  return answers.some((answer) => answer !== null && !isPerhapsPassing(answer.status));
}
