import type { AskedHow } from '../net/acquaintance.ts';
import type { HeadClient, Pace } from '../net/head-client.ts';
import { type Alone, tryPipelining } from '../net/pipelining.ts';
import type { CheckTask } from './contract.ts';
import { FEW_OBJECTS } from './http-preflight.ts';

const MOST_DEPTH = 256;
const FIRST_DEPTH = 4;
/** What servers allow on a connection (RFC 9113, 6.5.2 wants at least 100). */
const MOST_STREAMS = 100;
const HTTP2_CONNECTIONS = 2;

/** As the host can be asked: for many objects that is tried, with what it answered before, and remembered for the run. */
export async function howToAskFor(task: CheckTask, client: HeadClient, alone: Alone | null): Promise<AskedHow> {
  const { acquaintance, objectIds } = task;
  if (alone !== null) acquaintance.askedHow = await howToAsk(task, client, alone);
  const known = acquaintance.askedHow ?? 'one at a time';
  return objectIds.length <= FEW_OBJECTS && known !== 'one a connection' ? 'one at a time' : known;
}

/**
 * Pipelined where the host can be trusted with it. Where it can't, over HTTP/2, which takes undici five times
 * the processor (docs/decisions/0006-http2.md); else one at a time.
 */
async function howToAsk(task: CheckTask, client: HeadClient, alone: Alone): Promise<AskedHow> {
  const pipelining = await tryPipelining(client, alone);
  if (pipelining === 'right') return 'pipelined';
  const isHttps = task.accessPoint.protocol === 'https';
  if (isHttps && (await tryPipelining(client, alone, true)) === 'right') return 'multiplexed';
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
