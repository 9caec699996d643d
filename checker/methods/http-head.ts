import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDirectoryLike, requestPath } from '../../core/inventory.ts';
import { Outcome } from '../../core/observations.ts';
import type { HeadRun, HeadRunReport } from '../net/head-run.ts';
import { statusReason } from '../net/reasons.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

const CONNECTIONS = 4;
const DEPTH = 64;
const MAX_STRIKES = 3;
const SECOND_TRY_AFTER_MS = 1000;
/** An access point gets so many times the time-out for all of its objects: an hour for ten seconds. */
const BUDGET_TIMEOUTS = 360;
const KNOWN_FILES_ASKED = 16;
const SOFT_404 = "answers 200 to names that don't exist";

/** HEAD of every object, pipelined over a few connections. */
export const httpHead: Method = { name: 'http-head', scope: 'object', protocols: ['https', 'http'], check };

// Loaded when it is needed: undici takes longer to load than most of a check over rsync alone takes to compare.
const headAll = async (run: HeadRun): Promise<HeadRunReport> => (await import('../net/head-run.ts')).headAll(run);

type Base = { readonly origin: string; readonly path: string };
type Preflight = { readonly verdict: 'usable' | 'down' | 'interrupted'; readonly reason: string };

class Spent {
  requests = 0;
  connections = 0;
  readonly roundTripsMs: number[] = [];
  add(report: HeadRunReport): void {
    this.requests += report.requests;
    this.connections += report.connections;
  }
}

async function check(task: CheckTask): Promise<MethodReport> {
  const { origin, pathname } = new URL(task.accessPoint.url);
  const base = { origin, path: pathname };
  const spent = new Spent();
  const report = (ended: MethodReport['ended'], reason = ''): MethodReport => {
    const { requests, connections, roundTripsMs } = spent;
    return { ended, reason, requests, connections, roundTripsMs };
  };
  const before = await preflight(task, base, spent);
  if (before.verdict === 'interrupted') return report('interrupted');
  if (before.verdict === 'down') {
    for (const id of task.objectIds) task.sink.fail(id, before.reason);
    return report('unusable', before.reason);
  }
  const bulk = await askAll(task, base);
  spent.add(bulk);
  if (bulk.ended === 'interrupted') return report('interrupted');
  const after = await askCanaries(task, base, spent);
  if (after.reason === SOFT_404) {
    task.sink.withdrawFound(SOFT_404);
    return report('unusable', SOFT_404);
  }
  return bulk.ended === 'whole' ? report('whole') : report('partial', bulk.reason);
}

/** Whether the server can prove anything: it is reached, and it denies names that cannot exist. Two tries. */
async function preflight(task: CheckTask, base: Base, spent: Spent): Promise<Preflight> {
  const first = await askCanaries(task, base, spent);
  if (first.verdict !== 'down' || first.reason === SOFT_404) return first;
  try {
    await delay(SECOND_TRY_AFTER_MS, undefined, { signal: task.signal });
  } catch {
    return { verdict: 'interrupted', reason: '' };
  }
  return askCanaries(task, base, spent);
}

async function askCanaries(task: CheckTask, base: Base, spent: Spent): Promise<Preflight> {
  const token = randomBytes(16).toString('hex');
  const names = [`distfiles/${token.slice(0, 2)}/redirector-no-such-file-${token}`, `redirector-no-such-file-${token}`];
  const statuses: number[] = [];
  let reason = '';
  const asked = await askFew(task, base, names, spent, (status, location) => {
    statuses.push(status);
    if (status !== 404 && status !== 410) reason = `${statusReason(status, location)} for names that don't exist`;
  });
  if (asked.ended === 'interrupted') return { verdict: 'interrupted', reason: '' };
  if (statuses.some((status) => status >= 200 && status < 300)) return { verdict: 'down', reason: SOFT_404 };
  if (statuses.length < names.length) return { verdict: 'down', reason: asked.reason };
  if (reason === '') return { verdict: 'usable', reason: '' };
  // Some stores answer 403 to what they don't have: they are of use if they answer for what they have.
  return (await answersForAKnownFile(task, base, spent))
    ? { verdict: 'usable', reason: '' }
    : { verdict: 'down', reason };
}

async function answersForAKnownFile(task: CheckTask, base: Base, spent: Spent): Promise<boolean> {
  const { inventory, objectIds } = task;
  const step = Math.max(1, Math.floor(objectIds.length / KNOWN_FILES_ASKED));
  const paths = Array.from(objectIds)
    .filter((id, i) => i % step === 0 && !isDirectoryLike(inventory, id))
    .map((id) => requestPath(inventory, id));
  let known = false;
  await askFew(task, base, paths, spent, (status) => {
    known ||= status === 200;
  });
  return known;
}

/** On one connection, and given up at the first failure: its reason is in the report. */
async function askFew(
  task: CheckTask,
  base: Base,
  paths: readonly string[],
  spent: Spent,
  onAnswer: (status: number, location: string) => void,
): Promise<HeadRunReport> {
  let answeredAtMs = 0;
  const report = await headAll({
    origin: base.origin,
    userAgent: task.userAgent,
    count: paths.length,
    pathOf: (index) => base.path + paths[index],
    onAnswer: (_index, status, _lengthBytes, location) => {
      const nowMs = performance.now();
      // The next request goes out with the answer to the last; the first waits for its connection.
      if (answeredAtMs > 0) spent.roundTripsMs.push(nowMs - answeredAtMs);
      answeredAtMs = nowMs;
      onAnswer(status, location);
    },
    onFailure: () => {},
    connections: 1,
    depth: 1,
    maxStrikes: 1,
    timeoutMs: task.timeoutMs,
    budgetMs: task.timeoutMs * 2,
    signal: task.signal,
  });
  spent.add(report);
  return report;
}

function askAll(task: CheckTask, base: Base): Promise<HeadRunReport> {
  const { inventory, objectIds, sink } = task;
  return headAll({
    origin: base.origin,
    userAgent: task.userAgent,
    count: objectIds.length,
    pathOf: (index) => base.path + askedPath(task, objectIds[index] as number),
    onAnswer: (index, status, lengthBytes, location) => {
      const id = objectIds[index] as number;
      if (status === 200) {
        if (isDirectoryLike(inventory, id)) sink.record(id, Outcome.present, -1);
        else if (lengthBytes < 0) sink.fail(id, 'no length told');
        else {
          const isSame = lengthBytes === inventory.sizeBytes[id];
          sink.record(id, isSame ? Outcome.present : Outcome.different, lengthBytes);
        }
      } else if (status === 404 || status === 410) sink.record(id, Outcome.absent, -1);
      else sink.fail(id, statusReason(status, location));
    },
    onFailure: (index, reason) => sink.fail(objectIds[index] as number, reason),
    connections: CONNECTIONS,
    depth: DEPTH,
    maxStrikes: MAX_STRIKES,
    timeoutMs: task.timeoutMs,
    budgetMs: task.timeoutMs * BUDGET_TIMEOUTS,
    signal: task.signal,
  });
}

/** With a trailing slash wherever a directory is at the end: servers redirect without. */
function askedPath({ inventory }: CheckTask, id: number): string {
  const path = requestPath(inventory, id);
  return isDirectoryLike(inventory, id) && path !== '' && !path.endsWith('/') ? `${path}/` : path;
}
