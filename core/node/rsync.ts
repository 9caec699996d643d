import type { ChildProcess } from 'node:child_process';
import { messageOf, quoted } from '../errors.ts';
import { grouped } from '../grouped.ts';
import { type RsyncEntry, RsyncListParser } from '../rsync-list.ts';
import { NO_COMMAND, spawnLeashed } from './leashed.ts';
import { Spool } from './spool.ts';

export interface RsyncListing {
  /** Read to its end without error: only then does a missing name prove anything. */
  readonly complete: boolean;
  /** '' when complete; else a sentence. */
  readonly reason: string;
  /** Refused because the server has as many clients as it takes. */
  readonly isFull: boolean;
  readonly oddLines: number;
  /** Of the listing, as text: on the line it takes less. */
  readonly bytes: number;
  /** Devices, sockets and pipes: listed, but given to nobody. */
  readonly specials: number;
}

export interface RsyncOptions {
  /** `rsync://host[:port]/module[/path]/`. */
  readonly url: string;
  /** Longest silence, and longest wait for a connection; what it may take in all follows from it (`allowedMs`). */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** False: the directory itself (or the one file that the URL names) and nothing beneath. Default: true. */
  readonly recursive?: boolean;
}

export interface RsyncListOptions extends RsyncOptions {
  readonly onEntry: (entry: RsyncEntry) => void;
}

/** A listing whose process runs already; what it shows waits in a file. Either is to be called, once. */
export interface BegunListing {
  /**
   * Reads it to its end; the signal is that of those who read. `onPause` is called whenever nothing has come for a while
   * after something had: rsync takes its time to end after the last line.
   */
  read(onEntry: (entry: RsyncEntry) => void, signal: AbortSignal, onPause?: () => void): Promise<RsyncListing>;
  /** Ends it. */
  drop(): void;
}

// rsync(1), EXIT VALUES.
const EXIT_REASONS: Readonly<Record<number, string>> = {
  4: 'the server sends what rsync does not take',
  5: 'the server refused',
  10: 'no connection',
  11: 'error in file input or output',
  12: 'the protocol stream broke off',
  20: 'interrupted',
  23: 'partial: some of the tree could not be read',
  24: 'partial: files vanished while the tree was read',
  30: 'no data for too long',
  35: 'no connection in time',
};
/** A module that takes none at all says -1. */
const FULL = /max connections \(\d+\) reached/i;
const MAX_STDERR_BYTES = 4096;
/** Ten times the largest tree's, with the longest names. */
const MAX_LISTING_BYTES = 2 ** 30;
const READ_EVERY_MS = 10;
/** So often nothing: 20 ms. It takes rsync four times as long to end. */
const PAUSE_TURNS = 2;
/** rsync shows a directory when it has all of it, be it of 70,000 names over a slow line. */
const SILENT_TIMEOUTS = { one: 2, tree: 6 };
/** A listing must bring so many entries in the time of one time-out, on the whole: 25 a second for ten seconds. */
const LEAST_ENTRIES = 250;
/** So many time-outs are given to any listing, and no more than so many: two minutes and an hour for ten seconds. */
const LEAST_TIMEOUTS = 12;
const MOST_TIMEOUTS = 360;

/** How long a listing that has brought so many entries may have taken. */
export function allowedMs(timeoutMs: number, entries: number): number {
  return timeoutMs * Math.min(MOST_TIMEOUTS, LEAST_TIMEOUTS + entries / LEAST_ENTRIES);
}

/**
 * Lists a tree over rsync in one pass. Never throws for the server's sake: what went wrong is in the answer.
 * Without rsync on the machine the listing is incomplete, with that reason.
 */
export function listOverRsync(options: RsyncListOptions): Promise<RsyncListing> {
  return beginRsyncListing(options).read(options.onEntry, options.signal);
}

/** As `listOverRsync`, for those who can't take entries yet. */
export function beginRsyncListing(options: RsyncOptions): BegunListing {
  const spool = new Spool();
  const child = start(options, spool);
  const startedAtMs = performance.now();
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (stderr.length < MAX_STDERR_BYTES) stderr += chunk.toString('latin1').slice(0, MAX_STDERR_BYTES);
  });
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.on('error', (error) => resolve({ error, code: null, stderr }));
    child.on('close', (code) => resolve({ error: null, code, stderr }));
  });
  return {
    read: (onEntry, signal, onPause = () => {}) =>
      readListing({ ...options, onEntry, signal }, { child, spool, startedAtMs, ended }, onPause),
    drop() {
      killGroup(child);
      spool.close();
    },
  };
}

interface ProcessEnd {
  /** It could not be started. */
  readonly error: Error | null;
  /** null = killed. */
  readonly code: number | null;
  readonly stderr: string;
}

interface RsyncProcess {
  readonly child: ChildProcess;
  readonly spool: Spool;
  readonly startedAtMs: number;
  readonly ended: Promise<ProcessEnd>;
}

async function readListing(
  options: RsyncListOptions,
  running: RsyncProcess,
  onPause: () => void,
): Promise<RsyncListing> {
  const { timeoutMs, signal } = options;
  const { child, spool, startedAtMs } = running;
  let entries = 0;
  const parser = new RsyncListParser((entry) => {
    entries++;
    options.onEntry(entry);
  });
  /** Why it was given up; '' = it was not. */
  let givenUp = '';
  const kill = () => killGroup(child);
  const giveUp = (reason: string) => {
    givenUp ||= reason;
    kill();
  };
  // rsync's own time-outs cover neither name look-ups nor trickles of nothing useful.
  const silentMs = timeoutMs * SILENT_TIMEOUTS[options.recursive === false ? 'one' : 'tree'];
  const watchdog = setTimeout(() => giveUp(`nothing of a listing within ${silentMs / 1000} s`), silentMs);
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  const drain = () => {
    while (spool.position <= MAX_LISTING_BYTES) {
      const chunk = spool.read();
      if (chunk === null) return;
      watchdog.refresh();
      parser.push(chunk);
    }
    giveUp(`its listing is longer than ${MAX_LISTING_BYTES / 2 ** 20} MB`);
  };
  let broken: unknown;
  let silentTurns = 0;
  const reading = setInterval(() => {
    const before = spool.position;
    try {
      drain();
    } catch (error) {
      // Ours, not the server's: thrown in a timer it would end the program without a word.
      broken ??= error;
      kill();
    }
    silentTurns = spool.position === before ? silentTurns + 1 : 0;
    if (silentTurns === PAUSE_TURNS && before > 0) onPause();
    const elapsedMs = performance.now() - startedAtMs;
    if (elapsedMs > allowedMs(timeoutMs, entries)) giveUp(tooSlow(entries, elapsedMs));
  }, READ_EVERY_MS);
  const end = await running.ended;
  clearInterval(reading);
  if (broken === undefined) drain();
  const bytes = spool.position;
  spool.close();
  clearTimeout(watchdog);
  signal.removeEventListener('abort', kill);
  if (broken !== undefined) throw broken;
  parser.end();
  const { oddLines, specials } = parser;
  const reason = givenUp || endReason(end, signal.aborted) || oddReason(parser);
  const isFull = givenUp === '' && end.code === 5 && FULL.test(end.stderr);
  return { complete: reason === '', reason, isFull, oddLines, bytes, specials };
}

function start({ url, timeoutMs, recursive }: RsyncOptions, spool: Spool): ChildProcess {
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const what = ['--list-only', recursive === false ? '-dl' : '-rl', '--no-motd', '--no-human-readable'];
  const flags = [...what, `--timeout=${seconds}`, `--contimeout=${seconds}`];
  // A locale of its own: rsync then escapes every byte that is not printable ASCII.
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
  return spawnLeashed('rsync', [...flags, '--', url], { env, stdout: spool.fd, stderr: 'pipe' });
}

/** rsync forks, and what it has forked would hold its connection and its pipes. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}

/** Why the process did not end well; '' where it did. */
function endReason({ error, code, stderr }: ProcessEnd, aborted: boolean): string {
  if (error !== null) return messageOf(error);
  if (code === 0) return '';
  if (code === null) return aborted ? 'interrupted' : 'rsync was killed';
  if (code === NO_COMMAND) return 'rsync is not installed on this machine';
  const said = stderr.trim().split('\n')[0] ?? '';
  const known = code === 5 ? refusal(said) : (EXIT_REASONS[code] ?? 'failed');
  return `${known} (rsync exit ${code}${said === '' ? '' : `: ${quoted(said)}`})`;
}

/** By what daemons and clients of rsync 2.6 to 3.5 say (clientserver.c). */
function refusal(said: string): string {
  if (/rather than greeting|protocol startup/.test(said)) return 'no rsync server';
  if (/unknown module/i.test(said)) return 'the server refused: no such module';
  if (/access denied|auth failed/i.test(said)) return 'the server refused: access denied';
  if (FULL.test(said)) return 'the server refused: too many connections';
  return 'the server refused';
}

function tooSlow(entries: number, elapsedMs: number): string {
  return `too slow: ${grouped(entries)} entries in ${Math.round(elapsedMs / 1000)} s`;
}

function oddReason(parser: RsyncListParser): string {
  const { oddLines, oddSamples } = parser;
  return oddLines === 0 ? '' : `${oddLines} lines that are no entries, the first: ${oddSamples[0]}`;
}
