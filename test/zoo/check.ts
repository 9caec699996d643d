import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CheckOptions, runCheck } from '../../checker/run.ts';
import type { Entry } from '../../checker/testing/collect.ts';
import { quoted } from '../../core/errors.ts';
import { encodeInventory } from '../../core/formats/inventory-file.ts';
import { decodeObservations } from '../../core/formats/observations-file.ts';
import type { Inventory } from '../../core/inventory.ts';
import type { AccessPoint, MirrorList, Protocol } from '../../core/mirror.ts';
import { readFileOrNull } from '../../core/node/atomic-file.ts';
import type { Observations } from '../../core/observations.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { silentProgress } from '../../core/progress.ts';
import type { Behaviour, Started } from './behaviour.ts';
import type { ZooTree } from './zoo-tree.ts';

export const USER_AGENT = 'redirector-zoo/1 (+https://zoo.example/)';
const ID = 'zoo.test';
const CHILD = fileURLToPath(new URL('./check-child.ts', import.meta.url));
const DAY_MS = 86_400_000;
/** Little more than the check needs, so that what it leaves to be collected is no growth. */
const CHILD_HEAP_MB = 96;
/** A check that is told to end has so long. */
const GRACE_MS = 5000;
const MAX_SAID_CHARACTERS = 2000;

/** How the check of one behaviour went. */
export interface Checked {
  readonly elapsedMs: number;
  /** It had to be told to end, and whether it then did. */
  readonly hung: '' | 'past its deadline' | 'for ever';
  /** What it threw, or what its process said as it died; '' = it came to its end. */
  readonly crash: string;
  /** Lines for people. */
  readonly notes: readonly string[];
  /** What the file in the output folder says; null = there is none. */
  readonly observations: Observations | null;
  /** How much more memory than at its start its process ever held; -1 = it had none of its own. */
  readonly grownBytes: number;
}

/** What a check needs; also what a process of its own is told. */
export interface CheckInput {
  readonly output: string;
  readonly url: string;
  readonly protocol: Protocol;
  readonly timeoutMs: number;
  readonly entry?: Entry | undefined;
}

/**
 * Checks a behaviour's server in this process, as `cut` says; answers every state of its file that a process that is
 * killed could leave behind, the last one that which it leaves in the end.
 */
export async function statesLeft(
  zoo: ZooTree,
  { protocol, timeoutMs = 5000 }: Behaviour,
  { url, entry }: Started,
  cut: Pick<CheckOptions, 'budgetMs' | 'checkpointMs'>,
): Promise<Observations[]> {
  const output = mkdtempSync(join(zoo.folder, 'output-'));
  const file = outputLayout.observations(output, ID);
  const states: Observations[] = [];
  let lastWritten = 0;
  const look = () => {
    const writtenAt = statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0;
    if (writtenAt === lastWritten) return;
    lastWritten = writtenAt;
    states.push(decodeObservations(readFileSync(file), zoo.inventory.paths.length, ID));
  };
  const looking = setInterval(look, 1);
  try {
    const never = new AbortController().signal;
    await runOne(zoo.inventory, { output, url, protocol, timeoutMs, entry }, never, () => {}, cut);
    look();
    return states;
  } finally {
    clearInterval(looking);
    rmSync(output, { recursive: true, force: true });
  }
}

/** Runs the real check of a behaviour's server into an output folder of its own. */
export async function checkBehaviour(zoo: ZooTree, behaviour: Behaviour, started: Started): Promise<Checked> {
  const { protocol, timeoutMs = 5000, deadlineMs = 120_000 } = behaviour;
  const output = mkdtempSync(join(zoo.folder, 'output-'));
  const input = { output, url: started.url, protocol, timeoutMs, entry: started.entry };
  const startedAtMs = performance.now();
  try {
    const ownProcess = behaviour.isGreedy === true || started.env !== undefined;
    const ended = ownProcess
      ? await inOwnProcess(zoo, input, deadlineMs, started.env ?? {})
      : await inThisProcess(zoo, input, deadlineMs);
    const elapsedMs = performance.now() - startedAtMs;
    const bytes = readFileOrNull(outputLayout.observations(output, ID));
    const observations = bytes && decodeObservations(bytes, zoo.inventory.paths.length, ID);
    return { ...ended, elapsedMs, observations };
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

type Ended = Omit<Checked, 'elapsedMs' | 'observations'>;

async function inThisProcess(zoo: ZooTree, input: CheckInput, deadlineMs: number): Promise<Ended> {
  const notes: string[] = [];
  const abort = new AbortController();
  let crash = '';
  const done = runOne(zoo.inventory, input, abort.signal, (line) => notes.push(line)).then(
    () => true,
    (error: Error) => {
      crash = String(error.stack);
      return true;
    },
  );
  let hung: Checked['hung'] = '';
  if (!(await within(done, deadlineMs))) {
    hung = 'past its deadline';
    abort.abort();
    if (!(await within(done, GRACE_MS))) hung = 'for ever';
  }
  return { hung, crash, notes, grownBytes: -1 };
}

async function inOwnProcess(
  zoo: ZooTree,
  input: CheckInput,
  deadlineMs: number,
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  writeFileSync(join(input.output, 'zoo-inventory'), encodeInventory(zoo.inventory));
  const flags = [`--max-old-space-size=${CHILD_HEAP_MB}`, '--import', 'tsx', CHILD, JSON.stringify(input)];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  let cried = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    cried = (cried + chunk.toString()).slice(0, MAX_SAID_CHARACTERS);
  });
  const closed = once(child, 'close').then(() => true);
  let hung: Checked['hung'] = '';
  if (!(await within(closed, deadlineMs))) {
    hung = 'past its deadline';
    child.kill('SIGKILL');
    await closed;
  }
  if (child.exitCode !== 0 && hung === '')
    return { hung, crash: `exit ${child.exitCode}: ${quoted(cried, 1000)}`, notes: [], grownBytes: -1 };
  const told = said === '' ? { notes: [], grownBytes: -1 } : (JSON.parse(said) as Pick<Ended, 'notes' | 'grownBytes'>);
  return { hung, crash: '', ...told };
}

async function within(work: Promise<boolean>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The real check of one access point. */
export async function runOne(
  inventory: Inventory,
  { output, url, protocol, timeoutMs, entry }: CheckInput,
  signal: AbortSignal,
  note: (line: string) => void,
  cut: Pick<CheckOptions, 'budgetMs' | 'checkpointMs'> = { budgetMs: null, checkpointMs: DAY_MS },
): Promise<void> {
  const login = entry?.login === undefined ? {} : { login: entry.login };
  const families = { ipv4: true, ipv6: true };
  const accessPoint: AccessPoint = { id: ID, mirrorId: 'zoo', protocol, url, ...families, partial: false, ...login };
  const places = [{ country: 'DE', latitude: 0, longitude: 0 }];
  const mirror = { id: 'zoo', name: 'zoo', places, weight: 1, drained: false, accessPoints: [accessPoint] };
  const mirrors: MirrorList = { version: 1, takenAtMs: 0, mirrors: [mirror], notes: [] };
  await runCheck({
    output,
    inventory,
    mirrors,
    chosen: { mirrorIds: [], treePrefix: '' },
    only: 'all',
    vantage: '',
    periodMs: DAY_MS,
    expiryMs: 14 * DAY_MS,
    ...cut,
    hostLimits: {
      connections: 4,
      requestsPerSecond: Number.POSITIVE_INFINITY,
      bytesPerSecond: Number.POSITIVE_INFINITY,
    },
    userAgent: USER_AGENT,
    sftpKey: entry?.sftpKey ?? null,
    timeoutMs,
    nowMs: Date.now,
    progress: { ...silentProgress, note },
    signal,
  });
}
