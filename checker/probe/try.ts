import type { KnownObject, Verdict } from '../../core/liveness.ts';
import type { AccessPoint, Protocol } from '../../core/mirror.ts';
import { type Address, allowedKinds, kindOf } from './address.ts';
import { ProbeClient } from './client.ts';
import { ProbeFailure } from './failure.ts';
import { probeFtp } from './ftp.ts';
import { probeHttp } from './http.ts';
import type { Network } from './network.ts';
import { probeRsync } from './rsync.ts';
import { addressesOf } from './targets.ts';
import { type FamilyFacts, type Master, noFacts, type ProbeTask } from './task.ts';

/** A try has so many time-outs for all of its requests: two of them and the pause between stay near three. */
const TRY_TIMEOUTS = 1.4;

/** What the probes of one run share. */
export interface ProbeContext {
  readonly master: Master;
  readonly network: Network;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly secondTryAfterMs: number;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Objects that an access point should have by what is known of it now. */
  readonly knownAt: (accessPoint: AccessPoint) => readonly KnownObject[];
  /** Told where an access point has an address of a family that this machine lacks; it may be told so twice. */
  readonly onLeftOut: (accessPoint: AccessPoint, family: Family) => void;
}

export type Family = 4 | 6;

export interface FamilyResult {
  readonly family: Family;
  /** Null = it cannot be told from here, or there is no address. */
  readonly up: boolean | null;
  /** Why it is not up, or cannot be told; else ''. */
  readonly reason: string;
  readonly facts: FamilyFacts;
}

/**
 * Probes an access point over the given families at once. `attempt` counts from 0: each takes another of a name's
 * addresses. Never throws for the server's sake.
 */
export async function tryOnce(
  context: ProbeContext,
  accessPoint: AccessPoint,
  families: readonly Family[],
  known: readonly KnownObject[],
  attempt: number,
): Promise<FamilyResult[]> {
  const { network, timeoutMs } = context;
  const { hostname } = new URL(accessPoint.url);
  const allowed = allowedKinds(hostname);
  const deadline = AbortSignal.timeout(Math.ceil(timeoutMs * TRY_TIMEOUTS));
  const signal = AbortSignal.any([context.signal, deadline]);
  const object = known[Math.floor(Math.random() * known.length)] ?? null;
  const probe = async (family: Family): Promise<FamilyResult> => {
    const facts = noFacts();
    const result = (up: boolean | null, reason: string): FamilyResult => ({ family, up, reason, facts });
    try {
      const addresses = await orAborted(addressesOf(hostname, family, { network, allowed, timeoutMs }), signal);
      const address = addresses[attempt % addresses.length];
      if (address === undefined) {
        if (isListed(accessPoint, family))
          facts.warnings.push(`listed with IPv${family}, but its name has no such address`);
        return result(null, '');
      }
      if (!canReach(network, address)) {
        context.onLeftOut(accessPoint, family);
        return result(null, `its IPv${family} address cannot be reached: this machine has none`);
      }
      const task: ProbeTask = { ...context, accessPoint, known: object, address, attempt, allowed, signal };
      await PROBES[accessPoint.protocol](task, facts);
      return result(true, '');
    } catch (error) {
      if (context.signal.aborted) return result(null, 'interrupted');
      if (deadline.aborted) return result(false, tooSlow(facts.requests, timeoutMs * TRY_TIMEOUTS));
      if (error instanceof ProbeFailure) return result(false, error.message);
      throw error;
    }
  };
  return Promise.all(families.map(probe));
}

function tooSlow(requests: number, afterMs: number): string {
  const within = `within ${afterMs / 1000} s`;
  if (requests === 0) return `the name does not resolve ${within}`;
  return requests === 1 ? `no answer ${within}` : `too slow: not done ${within}`;
}

/** Of use over one family is of use; null where no family can be told of. */
export function verdictOf(families: readonly FamilyResult[]): Verdict | null {
  const told = families.filter(({ up }) => up !== null);
  const [first, second] = told;
  if (first === undefined) return null;
  if (told.some(({ up }) => up === true)) return { ok: true, reason: '' };
  const isSame = second === undefined || first.reason === second.reason;
  return { ok: false, reason: isSame ? first.reason : `${first.reason}; over IPv${second.family}: ${second.reason}` };
}

/** Name look-ups cannot be ended; they are left behind. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function isListed({ ipv4, ipv6 }: AccessPoint, family: Family): boolean {
  return family === 4 ? ipv4 : ipv6;
}

function canReach({ hasIpv4, hasIpv6 }: Network, { address, family }: Address): boolean {
  return kindOf(address) === 'loopback' || (family === 4 ? hasIpv4 : hasIpv6);
}

const PROBES: Readonly<Record<Protocol, (task: ProbeTask, facts: FamilyFacts) => Promise<void>>> = {
  https: overHttp,
  http: overHttp,
  rsync: probeRsync,
  ftp: probeFtp,
};

async function overHttp(task: ProbeTask, facts: FamilyFacts): Promise<void> {
  const client = new ProbeClient({ ...task, family: task.address.family });
  try {
    await probeHttp(task, client, facts);
  } finally {
    facts.certificateValidToMs = client.certificateValidToMs;
    facts.requests += client.requests;
    facts.connections += client.connections;
    await client.close();
  }
}
