import type { KnownObject, Verdict } from '../../core/liveness.ts';
import type { AccessPoint, Protocol } from '../../core/mirror.ts';
import { type Address, kindOf } from '../net/address.ts';
import type { HostBudgets } from '../net/host-budget.ts';
import { ProbeClient } from './client.ts';
import { CannotAsk, HostBusy, ProbeFailure, throwIfBusy } from './failure.ts';
import { probeFtp } from './ftp.ts';
import { probeHttp } from './http.ts';
import type { Network } from './network.ts';
import { probeRsync } from './rsync.ts';
import { probeSftp } from './sftp.ts';
import { addressesOf } from './targets.ts';
import { type FamilyFacts, type Master, noFacts, type ProbeTask } from './task.ts';

/** A try has so many time-outs for all of its requests: two of them and the pause between stay near three. */
const TRY_TIMEOUTS = 1.4;

/** What the probes of one run share. */
export interface ProbeContext {
  readonly master: Master;
  readonly network: Network;
  /** What each host may be asked; shared by all that ask it. */
  readonly hosts: Pick<HostBudgets, 'of'>;
  readonly userAgent: string;
  /** null or missing = what the ssh-agent holds. */
  readonly sftpKey?: string | null;
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
  /** Why nothing is told: the host wants to be left alone. Null = it does not. */
  readonly busy: HostBusy | null;
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
  const budget = context.hosts.of(accessPoint.url);
  const object = known[Math.floor(Math.random() * known.length)] ?? null;
  const probe = async (family: Family): Promise<FamilyResult> => {
    const facts = noFacts();
    // One connection at a time; a signal of its own, since hundreds of listeners on one look like a leak.
    const reserved = await budget.reserve(1, AbortSignal.any([context.signal]));
    try {
      if (reserved > 0) throwIfBusy(budget, context.nowMs());
      return {
        family,
        busy: null,
        facts,
        ...(await probeFamily(context, accessPoint, family, { object, attempt, facts })),
      };
    } catch (error) {
      if (!(error instanceof HostBusy)) throw error;
      return { family, up: null, reason: error.message, busy: error, facts };
    } finally {
      budget.release(reserved);
    }
  };
  return Promise.all(families.map(probe));
}

interface Try {
  /** Null = nothing is known to be there. */
  readonly object: KnownObject | null;
  readonly attempt: number;
  readonly facts: FamilyFacts;
}

/** Throws HostBusy. */
async function probeFamily(
  context: ProbeContext,
  accessPoint: AccessPoint,
  family: Family,
  { object, attempt, facts }: Try,
): Promise<Pick<FamilyResult, 'up' | 'reason'>> {
  const { network, timeoutMs } = context;
  const { hostname } = new URL(accessPoint.url);
  const { allowed } = context.hosts.of(accessPoint.url);
  const deadline = AbortSignal.timeout(Math.ceil(timeoutMs * TRY_TIMEOUTS));
  const signal = AbortSignal.any([context.signal, deadline]);
  try {
    const addresses = await orAborted(addressesOf(hostname, family, { network, allowed, timeoutMs }), signal);
    const address = addresses[attempt % addresses.length];
    if (address === undefined) {
      if (isListed(accessPoint, family))
        facts.warnings.push(`listed with IPv${family}, but its name has no such address`);
      return { up: null, reason: '' };
    }
    if (!canReach(network, address)) {
      context.onLeftOut(accessPoint, family);
      return { up: null, reason: `its IPv${family} address cannot be reached: this machine has none` };
    }
    const task: ProbeTask = { ...context, accessPoint, known: object, address, attempt, allowed, signal };
    await PROBES[accessPoint.protocol](task, facts);
    return { up: true, reason: '' };
  } catch (error) {
    if (context.signal.aborted) return { up: null, reason: 'interrupted' };
    if (error instanceof HostBusy) throw error;
    if (error instanceof CannotAsk) {
      facts.warnings.push(error.message);
      return { up: null, reason: error.message };
    }
    if (deadline.aborted) return { up: false, reason: tooSlow(facts.requests, timeoutMs * TRY_TIMEOUTS) };
    if (error instanceof ProbeFailure) return { up: false, reason: error.message };
    throw error;
  }
}

function tooSlow(requests: number, afterMs: number): string {
  const within = `within ${afterMs / 1000} s`;
  if (requests === 0) return `the name does not resolve ${within}`;
  return requests === 1 ? `no answer ${within}` : `too slow: not done ${within}`;
}

/** Where a host wants to be left alone, and is of use over no family as far as it was asked; else null. */
export function busyOf(families: readonly FamilyResult[]): HostBusy | null {
  if (families.some(({ up }) => up === true)) return null;
  return families.find(({ busy }) => busy !== null)?.busy ?? null;
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
  sftp: probeSftp,
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
    facts.bytes += client.bytes;
  }
}
