import { type Inventory, isDirectoryLike, ObjectType, requestPath } from '../../core/inventory.ts';
import { Outcome } from '../../core/observations.ts';
import type { AskedHow } from '../net/acquaintance.ts';
import type { HeadClient, Pace } from '../net/head-client.ts';
import type { HeadRunReport } from '../net/head-run.ts';
import type { Alone } from '../net/pipelining.ts';
import { COMPRESSED, statusReason } from '../net/reasons.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';
import type { Samples } from './get-check.ts';
import { FEW_OBJECTS, farewell, preflight, SOFT_404, sampleSizeOf } from './http-preflight.ts';

const MOST_DEPTH = 256;
const FIRST_DEPTH = 4;
/** What servers allow on a connection (RFC 9113, 6.5.2 wants at least 100). */
const MOST_STREAMS = 100;
const HTTP2_CONNECTIONS = 2;
const MAX_STRIKES = 3;
/** An access point gets so many times the time-out for all of its objects: an hour for ten seconds. */
const BUDGET_TIMEOUTS = 360;
const MIXED_UP = 'answers several requests on one connection wrongly: asked one at a time';
/** Apache's Options FollowSymLinks: a link whose end is not there may not be followed. */
const DANGLING = 'answers 403 (forbidden) to a link whose end is not there, as Apache does';
const NO_SIZE = `${COMPRESSED} (Content-Encoding), so that no size is told`;
const KEPT_COMPRESSED = /\.(t?gz|svgz|t?bz2?|t?xz|t?lzma|lz|tzst|zst|br|z)$/i;
const FOUND = [Outcome.present, Outcome.different] as const;

/** HEAD of every object, pipelined over a few connections. */
export const httpHead: Method = { name: 'http-head', scope: 'object', protocols: ['https', 'http'], check };

async function check(task: CheckTask): Promise<MethodReport> {
  // Loaded when it is needed: undici takes longer to load than most of a check over rsync alone takes to compare.
  const { HeadClient } = await import('../net/head-client.ts');
  const { userAgent, timeoutMs, signal, accessPoint, acquaintance } = task;
  const budget = task.hosts.of(accessPoint.url);
  const client = new HeadClient({ url: accessPoint.url, userAgent, budget, timeoutMs, signal });
  const report = (ended: MethodReport['ended'], ...reasons: string[]): MethodReport => {
    if (ended !== 'whole') acquaintance.forget();
    const { requests, connections, bytes, roundTripsMs } = client;
    const reason = reasons.filter((one) => one !== '').join('; ');
    return { ended, reason, requests, connections, bytes, roundTripsMs };
  };
  const before = await preflight(task, client);
  if (before.verdict === 'interrupted') return report('interrupted');
  if (before.verdict === 'down') {
    for (const id of task.objectIds) task.sink.fail(id, before.reason);
    return report('unusable', before.reason);
  }
  if (before.alone !== null) acquaintance.askedHow = await howToAsk(task, client, before.alone);
  const { bulk, samples, isMixedUp, isSoft404 } = await askObjects(task, client, budget.connections);
  if (bulk.ended === 'interrupted' || signal.aborted) return report('interrupted');
  if (isSoft404) {
    task.sink.withdraw(FOUND, SOFT_404);
    return report('unusable', SOFT_404);
  }
  const { disputesOf } = await import('./get-check.ts');
  const disputes = await disputesOf(task, client, samples, (index) => askedPath(task, index));
  for (const { outcome, reason } of disputes)
    task.sink.withdraw(outcome === Outcome.absent ? [outcome] : FOUND, reason);
  const [dispute] = disputes;
  if (dispute !== undefined) {
    // What is present to HEAD alone no viewer gets.
    const isUseless = disputes.some(({ outcome, isTotal }) => outcome === Outcome.present && isTotal);
    return report(isUseless ? 'unusable' : 'partial', dispute.reason);
  }
  if (signal.aborted) return report('interrupted');
  if (bulk.ended !== 'whole') return report('partial', bulk.reason, before.reason);
  return report('whole', before.reason, isMixedUp ? MIXED_UP : '');
}

interface Asked {
  readonly bulk: HeadRunReport;
  readonly samples: Samples;
  readonly isMixedUp: boolean;
  readonly isSoft404: boolean;
}

/** As the host can be asked; of what was answered together a sample is asked again, one at a time. */
async function askObjects(task: CheckTask, client: HeadClient, connections: number): Promise<Asked> {
  const { areConfirmed, AnswerSample } = await import('../net/pipelining.ts');
  const { acquaintance, objectIds, signal, sink } = task;
  const ask = async (how: AskedHow): Promise<Asked & { readonly isRight: boolean }> => {
    const size = sampleSizeOf(objectIds.length);
    const outcomes = [Outcome.present, Outcome.absent, Outcome.different];
    const samples = new Map(outcomes.map((outcome) => [outcome, new AnswerSample(size)]));
    const bulk = await askAll(task, client, paceOf(how, connections), samples);
    const isTogether = how === 'pipelined' || how === 'multiplexed';
    const isMixedUp = how === 'one a connection' || (isTogether && bulk.isMismatched);
    const sampled = isTogether && bulk.ended === 'whole' ? [...samples.values()].flatMap(({ answers }) => answers) : [];
    const { isSoft404, again } = await farewell(
      client,
      sampled.map(({ index }) => askedPath(task, index)),
    );
    const isRight = areConfirmed(
      sampled.map(({ answer }) => answer),
      again,
    );
    return { bulk, samples, isMixedUp, isSoft404, isRight };
  };
  const known = acquaintance.askedHow ?? 'one at a time';
  const asked = await ask(objectIds.length <= FEW_OBJECTS && known !== 'one a connection' ? 'one at a time' : known);
  // To be tried anew by the next check of the run.
  if (asked.isMixedUp && known !== 'one a connection') acquaintance.askedHow = null;
  if (asked.isRight || asked.isSoft404 || signal.aborted) return asked;
  acquaintance.askedHow = 'one a connection';
  sink.withdraw(FOUND, MIXED_UP);
  return ask('one a connection');
}

/**
 * Pipelined where the host can be trusted with it. Where it can't, over HTTP/2, which takes undici five times
 * the processor (docs/decisions/0006-http2.md); else one at a time.
 */
async function howToAsk(task: CheckTask, client: HeadClient, alone: Alone): Promise<AskedHow> {
  const { tryPipelining } = await import('../net/pipelining.ts');
  const pipelining = await tryPipelining(client, alone);
  if (pipelining === 'right') return 'pipelined';
  const isHttps = task.accessPoint.protocol === 'https';
  if (isHttps && (await tryPipelining(client, alone, true)) === 'right') return 'multiplexed';
  return pipelining === 'wanting' ? 'one at a time' : 'one a connection';
}

function paceOf(how: AskedHow, connections: number): Pace {
  const single: Pace = { connections, depth: { first: 1, most: 1 } };
  switch (how) {
    case 'pipelined':
      return { connections, depth: { first: FIRST_DEPTH, most: MOST_DEPTH } };
    case 'multiplexed':
      return {
        connections: Math.min(connections, HTTP2_CONNECTIONS),
        depth: { first: FIRST_DEPTH, most: MOST_STREAMS },
        http2: true,
      };
    case 'one at a time':
      return single;
    case 'one a connection':
      return { ...single, singleUse: true };
    default:
      return how satisfies never;
  }
}

async function askAll(task: CheckTask, client: HeadClient, pace: Pace, samples: Samples): Promise<HeadRunReport> {
  const { inventory, objectIds, sink } = task;
  const absent = new Set<number>();
  const forbiddenLinks: number[] = [];
  const report = await client.askAll({
    ...pace,
    count: objectIds.length,
    pathOf: (index) => askedPath(task, index),
    onAnswer: (index, status, lengthBytes, location, isEncoded) => {
      const id = objectIds[index] as number;
      const isDirectory = isDirectoryLike(inventory, id);
      if (status === 200 && !isDirectory && isEncoded && !isLabelled(lengthBytes, inventory, id))
        sink.fail(id, NO_SIZE);
      else if (status === 200 && !isDirectory && lengthBytes < 0) sink.fail(id, 'tells no length (Content-Length)');
      else if (status === 200) {
        const isRight = isDirectory || lengthBytes === inventory.sizeBytes[id];
        const outcome = isRight ? Outcome.present : Outcome.different;
        sink.record(id, outcome, isDirectory ? -1 : lengthBytes);
        // Servers treat directories in ways of their own.
        if (!isDirectory) samples.get(outcome)?.add(index, status, lengthBytes);
      } else if (status === 404 || status === 410) {
        sink.record(id, Outcome.absent, -1);
        if (!isDirectory) samples.get(Outcome.absent)?.add(index, status, lengthBytes);
        absent.add(id);
      } else if (status === 403 && inventory.types[id] === ObjectType.symlink) forbiddenLinks.push(id);
      else sink.fail(id, statusReason(status, location));
    },
    onFailure: (index, reason) => sink.fail(objectIds[index] as number, reason),
    maxStrikes: MAX_STRIKES,
    budgetMs: task.timeoutMs * BUDGET_TIMEOUTS,
  });
  for (const id of forbiddenLinks)
    sink.fail(id, absent.has(inventory.leadsTo[id] as number) ? DANGLING : statusReason(403, ''));
  return report;
}

/**
 * Apache's AddEncoding names the format of a file that is kept compressed, and tells its own length. Only so an encoded
 * answer proves anything: a server that compresses the file once more would hardly come to that very length.
 */
function isLabelled(lengthBytes: number, { paths, sizeBytes }: Inventory, id: number): boolean {
  return lengthBytes === sizeBytes[id] && KEPT_COMPRESSED.test(paths[id] as string);
}

/** With a trailing slash wherever a directory is at the end: servers redirect without. */
function askedPath({ inventory, objectIds }: CheckTask, index: number): string {
  const id = objectIds[index] as number;
  const path = requestPath(inventory, id);
  return isDirectoryLike(inventory, id) && path !== '' && !path.endsWith('/') ? `${path}/` : path;
}
