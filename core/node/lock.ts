import { type Dirent, linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { RunError } from '../errors.ts';
import { FOLDERS_BY_VANTAGE, OUTPUT_FOLDERS, outputLayout } from '../output-layout.ts';
import { readFileOrNull } from './atomic-file.ts';
import { makeFolder } from './make-folder.ts';
import { naming } from './system-errors.ts';

/** Who works in an output folder, or publishes. */
export interface Holder {
  readonly pid: number;
  /** When the process began, as the system counts it: a pid is used again one day. '' = not known. */
  readonly bornAt: string;
  readonly host: string;
  readonly command: string;
  /** When it took the lock, ISO 8601. */
  readonly since: string;
}

/**
 * Does the work as the only one that writes into the output folder, and clears away the temporary files that killed
 * runs have left there. A lock of a process that is no more is taken over. Throws RunError, naming its holder, where
 * another process works there, and whatever the work throws.
 */
export async function withLock<T>(output: string, command: string, work: () => Promise<T>): Promise<T> {
  const file = outputLayout.lock(output);
  acquire(file, ownHolder(command));
  try {
    removeLeftovers(output);
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** This process, as a lock names it. */
export function ownHolder(command: string): Holder {
  return {
    pid: process.pid,
    bornAt: bornAt(process.pid) ?? '',
    host: hostname(),
    command,
    since: new Date().toISOString(),
  };
}

function acquire(file: string, own: Holder): void {
  makeFolder(dirname(file));
  const beside = `${file}.${process.pid}-lock.tmp`;
  try {
    naming(file, () => writeFileSync(beside, JSON.stringify(own)));
    // A link is made whole or not at all, and never over another file.
    while (!isLinked(beside, file)) {
      const bytes = readFileOrNull(file);
      if (bytes === null) continue;
      const holder = parsed(bytes);
      if (holder !== null && isAlive(holder)) throw refusal(file, holder);
      takeAway(file, bytes);
    }
  } finally {
    rmSync(beside, { force: true });
  }
}

function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock that was found dead; if another process was quicker and it is a new one by now, gives that back. */
function takeAway(file: string, found: Buffer): void {
  const aside = `${file}.${process.pid}-stale.tmp`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (!readFileSync(aside).equals(found)) isLinked(aside, file);
  rmSync(aside, { force: true });
}

function parsed(bytes: Buffer): Holder | null {
  try {
    const holder: Partial<Holder> = JSON.parse(bytes.toString('utf8'));
    return Number.isInteger(holder.pid) && typeof holder.host === 'string' ? (holder as Holder) : null;
  } catch {
    return null;
  }
}

/** Whether the process runs; true for one on another machine, of which nobody here can tell. */
export function isAlive({ pid, bornAt: born, host }: Holder): boolean {
  if (host !== hostname()) return true;
  return isRunning(pid) && (born === '' || bornAt(pid) === null || bornAt(pid) === born);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * The boot and the tick of it at which a process began (proc(5), /proc/pid/stat, fields 3 and 22); null where that is
 * hidden. One that has ended and waits for its parent to notice is no longer the one that began.
 */
function bornAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the name in brackets, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const tick = fields[0] === 'Z' ? 'ended' : fields[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${tick}`;
  } catch {
    return null;
  }
}

function refusal(file: string, { pid, host, command, since }: Holder): RunError {
  const who = holderWords({ pid, host, command, since });
  const way = host === hostname() ? 'wait for it to end, or stop it' : `if it is no more, remove ${file}`;
  return new RunError(`${dirname(file)}: another one works there (${who}); ${way}`);
}

/** A holder for a person's eyes. */
export function holderWords({ pid, host, command, since }: Omit<Holder, 'bornAt'>): string {
  return `"redirector ${command}", process ${pid}${host === hostname() ? '' : ` on ${host}`}, since ${since}`;
}

const TEMPORARY = /\.(\d+)-[^.]+\.tmp$/;

/** Only where files of the layout lie: whatever else is below the output folder is not ours to walk, or to clear. */
function removeLeftovers(output: string): void {
  const own = OUTPUT_FOLDERS.map((folder) => join(output, folder));
  const vantages = FOLDERS_BY_VANTAGE.flatMap((folder) =>
    entriesOf(join(output, folder))
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  for (const entry of [output, ...own, ...vantages].flatMap(entriesOf)) {
    const pid = Number(TEMPORARY.exec(entry.name)?.[1] ?? process.pid);
    if (entry.isFile() && !isRunning(pid)) rmSync(join(entry.parentPath, entry.name), { force: true });
  }
}

/** Nothing where the folder can't be read: it may not be there yet, or have a name that is no UTF-8 and is nobody's. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
