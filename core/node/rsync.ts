import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf, quoted } from '../errors.ts';
import { type RsyncEntry, RsyncListParser } from '../rsync-list.ts';
import { Spool } from './spool.ts';

export interface RsyncListing {
  /** Read to its end without error: only then does a missing name prove anything. */
  readonly complete: boolean;
  /** '' when complete; else a sentence. */
  readonly reason: string;
  readonly oddLines: number;
  /** Devices, sockets and pipes: listed, but given to nobody. */
  readonly specials: number;
}

export interface RsyncListOptions {
  /** `rsync://host[:port]/module[/path]/`. */
  readonly url: string;
  /** Longest silence, and longest wait for a connection. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onEntry: (entry: RsyncEntry) => void;
  /** False: the directory itself (or the one file that the URL names) and nothing beneath. Default: true. */
  readonly recursive?: boolean;
}

// rsync(1), EXIT VALUES.
const EXIT_REASONS: Readonly<Record<number, string>> = {
  5: 'the server refused: no such module, or access denied',
  10: 'no connection',
  11: 'error in file input or output',
  12: 'the protocol stream broke off',
  20: 'interrupted',
  23: 'partial: some of the tree could not be read',
  24: 'partial: files vanished while the tree was read',
  30: 'no data for too long',
  35: 'no connection in time',
};
const MAX_STDERR_BYTES = 4096;
/** Ten times the largest tree's, with the longest names. */
const MAX_LISTING_BYTES = 2 ** 30;
const READ_EVERY_MS = 4;

/**
 * Lists a tree over rsync in one pass. Never throws for the server's sake: what went wrong is in the answer.
 * Without rsync on the machine the listing is incomplete, with that reason.
 */
export function listOverRsync(options: RsyncListOptions): Promise<RsyncListing> {
  const seconds = Math.max(1, Math.ceil(options.timeoutMs / 1000));
  const flags = [
    '--list-only',
    options.recursive === false ? '-dl' : '-rl',
    '--no-motd',
    '--no-human-readable',
    `--timeout=${seconds}`,
    `--contimeout=${seconds}`,
  ];
  const parser = new RsyncListParser(options.onEntry);
  return new Promise((resolve) => {
    // A locale of its own: rsync then escapes every byte that is not printable ASCII.
    const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
    const spool = new Spool();
    const child = spawn('rsync', [...flags, '--', options.url], {
      stdio: ['ignore', spool.fd, 'pipe'],
      env,
      detached: true,
    });
    let stderr = '';
    let isTooLarge = false;
    const kill = () => killGroup(child);
    // rsync's own time-outs do not cover name look-ups and slow trickles of nothing useful.
    const watchdog = setTimeout(kill, options.timeoutMs * 2);
    options.signal.addEventListener('abort', kill, { once: true });
    if (options.signal.aborted) kill();
    const drain = () => {
      for (let chunk = spool.read(); chunk !== null; chunk = spool.read()) {
        watchdog.refresh();
        parser.push(chunk);
        if (spool.position > MAX_LISTING_BYTES) {
          isTooLarge = true;
          kill();
          return;
        }
      }
    };
    const reading = setInterval(drain, READ_EVERY_MS);
    child.stderr?.on('data', (chunk: Buffer) => {
      if (stderr.length < MAX_STDERR_BYTES) stderr += chunk.toString('latin1').slice(0, MAX_STDERR_BYTES);
    });
    const finish = (complete: boolean, reason: string) => {
      clearInterval(reading);
      if (!isTooLarge) drain();
      spool.close();
      clearTimeout(watchdog);
      options.signal.removeEventListener('abort', kill);
      parser.end();
      resolve({
        complete: complete && parser.oddLines === 0,
        reason: reason || oddReason(parser),
        oddLines: parser.oddLines,
        specials: parser.specials,
      });
    };
    child.on('error', (error) => {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      finish(false, missing ? 'rsync is not installed on this machine' : messageOf(error));
    });
    child.on('close', (code) => {
      if (isTooLarge) finish(false, `its listing is longer than ${MAX_LISTING_BYTES / 2 ** 20} MB`);
      else finish(code === 0, code === 0 ? '' : exitReason(code, options.signal.aborted, stderr));
    });
  });
}

/** rsync forks, and what it has forked would hold its connection and its pipes. It leads a group of its own. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}

function exitReason(code: number | null, aborted: boolean, stderr: string): string {
  if (code === null) return aborted ? 'interrupted' : 'no data for too long';
  const said = stderr.trim().split('\n')[0] ?? '';
  const known = EXIT_REASONS[code] ?? 'failed';
  return `${known} (rsync exit ${code}${said === '' ? '' : `: ${quoted(said)}`})`;
}

function oddReason(parser: RsyncListParser): string {
  return parser.oddLines === 0 ? '' : `${parser.oddLines} lines are no entries, the first: ${parser.oddSamples[0]}`;
}
