import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { RunError } from '../../../core/errors.ts';
import { type Holder, holderWords, isAlive, ownHolder } from '../../../core/node/lock.ts';
import type { OriginFiles } from './files.ts';

const LOCK_FILE = 'lock.json';

/** A lock's file: who holds it, and a number that grows for as long as the holder lives. */
interface Lease extends Holder {
  readonly token: string;
  readonly renewals: number;
}

export interface LeaseTimes {
  /** How often a holder says that it lives. */
  readonly renewMs: number;
  /** For how long a holder on another machine must be silent until it counts as dead. */
  readonly silentMs: number;
}

export const LEASE_TIMES: LeaseTimes = { renewMs: 5000, silentMs: 30_000 };

/** Tokens of the locks that this process holds: one that it lost with a connection is nobody's. */
const held = new Set<string>();

export interface PublishLock {
  /** Throws RunError where somebody else has taken the lock, as from one that was silent for too long. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lock of an origin. No clocks are compared: whether a holder on another machine lives is seen by whether its
 * number grows while one waits. Throws RunError, naming the holder, where it lives.
 */
export async function takeLock(
  files: OriginFiles,
  command: string,
  times: LeaseTimes,
  { note, signal }: { readonly note: (line: string) => void; readonly signal: AbortSignal },
): Promise<PublishLock> {
  const own = { ...ownHolder(command), token: randomBytes(8).toString('hex') };
  const leaseBytes = (renewals: number) => Buffer.from(JSON.stringify({ ...own, renewals }));
  const beside = `${LOCK_FILE}.${own.token}.tmp`;
  await files.makeDirectory('');
  try {
    while (!(await isTaken(files, beside, leaseBytes(0)))) {
      const found = await files.read(LOCK_FILE);
      if (found === null) continue;
      await untilDead(files, found, times, note, signal);
      await takeAway(files, found, own.token);
    }
  } catch (error) {
    await files.remove(beside).catch(() => {});
    throw error;
  }
  held.add(own.token);
  return renewed(files, own.token, leaseBytes, times);
}

async function isTaken(files: OriginFiles, beside: string, bytes: Buffer): Promise<boolean> {
  await files.write(beside, bytes);
  try {
    return await files.renameNew(beside, LOCK_FILE);
  } catch (error) {
    // Who has just got the lock took it for a leftover.
    if ((await files.read(beside)) === null) return false;
    throw error;
  }
}

function renewed(
  files: OriginFiles,
  token: string,
  leaseBytes: (renewals: number) => Buffer,
  { renewMs }: LeaseTimes,
): PublishLock {
  let renewals = 0;
  let renewal: Promise<void> = Promise.resolve();
  let isTorn = false;
  // A renewal that a full disk cut leaves an empty file: nobody's, and so still ours.
  const isOwn = async () => {
    const lease = parsed(await files.read(LOCK_FILE));
    return lease === null ? isTorn : lease.token === token;
  };
  const renew = async () => {
    // A cut connection, or a full disk, is told by the work itself.
    if (!(await isOwn().catch(() => false))) return;
    const isWritten = files.write(LOCK_FILE, leaseBytes(++renewals)).then(
      () => true,
      () => false,
    );
    isTorn = !(await isWritten);
  };
  const timer = setInterval(() => {
    renewal = renewal.then(renew);
  }, renewMs).unref();
  return {
    assertHeld: async () => {
      await renewal;
      if (await isOwn()) return;
      const holder = parsed(await files.read(LOCK_FILE));
      const who = holder === null ? 'somebody' : quotedHolder(holder);
      throw new RunError(`${files.where}: ${who} took over the publication, as this one was silent; it stops here`);
    },
    release: async () => {
      clearInterval(timer);
      held.delete(token);
      await renewal;
      if (await isOwn()) await files.remove(LOCK_FILE);
    },
  };
}

/** Resolves when the holder counts as dead; throws RunError where it lives. */
async function untilDead(
  files: OriginFiles,
  found: Buffer,
  { renewMs, silentMs }: LeaseTimes,
  note: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const holder = parsed(found);
  const isHere = holder?.host === hostname();
  if (holder !== null && isHere) {
    if (!isAlive(holder) || (holder.pid === process.pid && !held.has(holder.token))) return;
    throw refusal(files, holder);
  }
  const who = holder === null ? 'a lock that nobody can read' : quotedHolder(holder);
  note(`${files.where}: found ${who}; waiting ${Math.ceil(silentMs / 1000)} s for a sign of life`);
  for (let waitedMs = 0; waitedMs < silentMs; waitedMs += renewMs) {
    await delay(Math.min(renewMs, silentMs - waitedMs), undefined, { signal }).catch(() => {
      throw new RunError('interrupted; nothing was published');
    });
    const now = await files.read(LOCK_FILE);
    if (now === null) return;
    if (!now.equals(found)) throw refusal(files, parsed(now) ?? holder);
  }
}

/** Removes the lock that was found dead; if another publisher was quicker and it is a new one by now, gives that back. */
async function takeAway(files: OriginFiles, found: Buffer, token: string): Promise<void> {
  const aside = `${LOCK_FILE}.${token}-stale.tmp`;
  const now = await files.read(LOCK_FILE);
  if (now === null || !now.equals(found)) return;
  await files.renameOver(LOCK_FILE, aside);
  if ((await files.read(aside))?.equals(found) === false) await files.renameNew(aside, LOCK_FILE);
  await files.remove(aside);
}

function parsed(bytes: Buffer | null): Lease | null {
  try {
    const lease: Partial<Lease> = JSON.parse(bytes?.toString('utf8') ?? 'null');
    const isWhole = Number.isInteger(lease.pid) && typeof lease.host === 'string' && typeof lease.token === 'string';
    return isWhole ? (lease as Lease) : null;
  } catch {
    return null;
  }
}

/** An origin's files are somebody else's. */
function quotedHolder({ pid, host, command, since }: Lease): string {
  const plain = (text: unknown) =>
    String(text)
      .replace(/[^\w.:+-]/g, '?')
      .slice(0, 100);
  return holderWords({ pid, host: plain(host), command: plain(command), since: plain(since) });
}

function refusal({ where }: OriginFiles, holder: Lease | null): RunError {
  const who = holder === null ? 'another one' : quotedHolder(holder);
  return new RunError(`${where}: somebody publishes there already (${who}); wait for it to end, or stop it`);
}
