import { isDirectoryLike, requestPath } from '../../core/inventory.ts';
import { Outcome } from '../../core/observations.ts';
import type { HeadClient, Pace } from '../net/head-client.ts';
import type { HeadRunReport } from '../net/head-run.ts';
import type { AnswerSample } from '../net/pipelining.ts';
import { statusReason } from '../net/reasons.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';
import { askCanaries, canaryNames, FEW_OBJECTS, knownFiles, preflight, SOFT_404 } from './http-preflight.ts';

const MOST_DEPTH = 256;
const FIRST_DEPTH = 4;
/** What servers allow on a connection (RFC 9113, 6.5.2 wants at least 100). */
const MOST_STREAMS = 100;
const HTTP2_CONNECTIONS = 2;
const MAX_STRIKES = 3;
/** An access point gets so many times the time-out for all of its objects: an hour for ten seconds. */
const BUDGET_TIMEOUTS = 360;
const TRIAL_FILES = 8;
/** Of each kind of answer. */
const SAMPLE_SIZE = 8;
const MIXED_UP = 'answers several requests on one connection wrongly: asked one at a time';

/** HEAD of every object, pipelined over a few connections. */
export const httpHead: Method = { name: 'http-head', scope: 'object', protocols: ['https', 'http'], check };

interface Samples {
  readonly present: AnswerSample;
  readonly absent: AnswerSample;
  readonly different: AnswerSample;
}

async function check(task: CheckTask): Promise<MethodReport> {
  // Loaded when it is needed: undici takes longer to load than most of a check over rsync alone takes to compare.
  const { HeadClient } = await import('../net/head-client.ts');
  const { userAgent, timeoutMs, signal, accessPoint } = task;
  const budget = task.hosts.of(accessPoint.url);
  const client = new HeadClient({ url: accessPoint.url, userAgent, budget, timeoutMs, signal });
  const report = (ended: MethodReport['ended'], ...reasons: string[]): MethodReport => {
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
  const { bulk, isMixedUp } = await askObjects(task, client, budget.connections);
  if (bulk.ended === 'interrupted' || signal.aborted) return report('interrupted');
  if ((await askCanaries(task, client)).reason === SOFT_404) {
    task.sink.withdrawFound(SOFT_404);
    return report('unusable', SOFT_404);
  }
  if (bulk.ended !== 'whole') return report('partial', bulk.reason, before.reason);
  return report('whole', before.reason, isMixedUp ? MIXED_UP : '');
}

/**
 * Pipelined where the host can be trusted with it: that is tried before, and a sample of the answers is asked again.
 * Where it can't, over HTTP/2, which undici takes ten times as long for; else one at a time.
 */
async function askObjects(
  task: CheckTask,
  client: HeadClient,
  connections: number,
): Promise<{ readonly bulk: HeadRunReport; readonly isMixedUp: boolean }> {
  const { tryPipelining, isConfirmed, AnswerSample } = await import('../net/pipelining.ts');
  const oneAtATime: Pace = { connections, depth: { first: 1, most: 1 } };
  if (task.objectIds.length <= FEW_OBJECTS) return { bulk: await askAll(task, client, oneAtATime), isMixedUp: false };
  const paths = trialPaths(task);
  const pipelining = await tryPipelining(client, paths);
  const isHttp2 =
    pipelining !== 'right' &&
    task.accessPoint.protocol === 'https' &&
    (await tryPipelining(client, paths, true)) === 'right';
  if (pipelining === 'wanting' && !isHttp2) return { bulk: await askAll(task, client, oneAtATime), isMixedUp: false };
  if (pipelining === 'right' || isHttp2) {
    const sample = () => new AnswerSample(SAMPLE_SIZE);
    const samples: Samples = { present: sample(), absent: sample(), different: sample() };
    const pipelined: Pace = { connections, depth: { first: FIRST_DEPTH, most: MOST_DEPTH } };
    const multiplexed: Pace = {
      connections: Math.min(connections, HTTP2_CONNECTIONS),
      depth: { first: FIRST_DEPTH, most: MOST_STREAMS },
      http2: true,
    };
    const bulk = await askAll(task, client, isHttp2 ? multiplexed : pipelined, samples);
    const isRight =
      bulk.ended !== 'whole' ||
      (await isConfirmed(client, Object.values(samples), (index) => askedPath(task, task.objectIds[index] as number)));
    if (isRight || task.signal.aborted) return { bulk, isMixedUp: bulk.isMismatched };
    task.sink.withdrawFound(MIXED_UP);
  }
  return { bulk: await askAll(task, client, { ...oneAtATime, singleUse: true }), isMixedUp: true };
}

/** Known files, of different sizes as far as possible, each followed by a name that can't exist. */
function trialPaths(task: CheckTask): string[] {
  const impossible = canaryNames(TRIAL_FILES);
  return knownFiles(task, TRIAL_FILES).flatMap((path, i) => [path, impossible[i] as string]);
}

function askAll(task: CheckTask, client: HeadClient, pace: Pace, samples?: Samples): Promise<HeadRunReport> {
  const { inventory, objectIds, sink } = task;
  return client.askAll({
    ...pace,
    count: objectIds.length,
    pathOf: (index) => askedPath(task, objectIds[index] as number),
    onAnswer: (index, status, lengthBytes, location) => {
      const id = objectIds[index] as number;
      if (status === 200) {
        if (isDirectoryLike(inventory, id)) sink.record(id, Outcome.present, -1);
        else if (lengthBytes < 0) sink.fail(id, 'no length told');
        else if (lengthBytes === inventory.sizeBytes[id]) {
          sink.record(id, Outcome.present, lengthBytes);
          samples?.present.add(index, status, lengthBytes);
        } else {
          sink.record(id, Outcome.different, lengthBytes);
          samples?.different.add(index, status, lengthBytes);
        }
      } else if (status === 404 || status === 410) {
        sink.record(id, Outcome.absent, -1);
        samples?.absent.add(index, status, lengthBytes);
      } else sink.fail(id, statusReason(status, location));
    },
    onFailure: (index, reason) => sink.fail(objectIds[index] as number, reason),
    maxStrikes: MAX_STRIKES,
    budgetMs: task.timeoutMs * BUDGET_TIMEOUTS,
  });
}

/** With a trailing slash wherever a directory is at the end: servers redirect without. */
function askedPath({ inventory }: CheckTask, id: number): string {
  const path = requestPath(inventory, id);
  return isDirectoryLike(inventory, id) && path !== '' && !path.endsWith('/') ? `${path}/` : path;
}
