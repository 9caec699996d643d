import type { AskedHow } from '../net/acquaintance.ts';
import type { HeadClient, Pace } from '../net/head-client.ts';
import type { CheckTask } from './contract.ts';
import { canaryNames, knownFiles } from './http-preflight.ts';

const MOST_DEPTH = 256;
const FIRST_DEPTH = 4;
/** What servers allow on a connection (RFC 9113, 6.5.2 wants at least 100). */
const MOST_STREAMS = 100;
const HTTP2_CONNECTIONS = 2;
/** Fewer are asked one at a time: to find out whether the host can be pipelined would cost as much. */
const FEWEST_PIPELINED = 256;
const TRIAL_FILES = 8;

/** As the host can be asked: for many objects that is tried, and remembered for the run. */
export async function howToAskFor(task: CheckTask, client: HeadClient): Promise<AskedHow> {
  const { acquaintance, objectIds } = task;
  const isMany = objectIds.length >= FEWEST_PIPELINED;
  if (isMany) acquaintance.askedHow ??= await howToAsk(task, client);
  const known = acquaintance.askedHow;
  return known === 'one a connection' || (known !== null && isMany) ? known : 'one at a time';
}

/**
 * Pipelined where the host can be trusted with it. Where it can't, over HTTP/2, which takes undici five times
 * the processor (docs/decisions/0006-http2.md); else one at a time.
 */
async function howToAsk(task: CheckTask, client: HeadClient): Promise<AskedHow> {
  const { tryPipelining } = await import('../net/pipelining.ts');
  const paths = trialPaths(task);
  const pipelining = await tryPipelining(client, paths);
  if (pipelining === 'right') return 'pipelined';
  const isHttps = task.accessPoint.protocol === 'https';
  if (isHttps && (await tryPipelining(client, paths, true)) === 'right') return 'multiplexed';
  return pipelining === 'wanting' ? 'one at a time' : 'one a connection';
}

export function paceOf(how: AskedHow, connections: number): Pace {
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

/** Known files, of different sizes as far as possible, each followed by a name that can't exist. */
function trialPaths(task: CheckTask): string[] {
  const impossible = canaryNames(TRIAL_FILES);
  return knownFiles(task, TRIAL_FILES).flatMap((path, i) => [path, impossible[i] as string]);
}
