import { createHash } from 'node:crypto';
import PQueue from 'p-queue';
import { FormatError, RunError, UsageError } from '../errors.ts';
import { decodeStoreMemory, encodeStoreMemory } from '../formats/store-memory.ts';
import { outputLayout } from '../output-layout.ts';
import type { Progress } from '../progress.ts';
import { readFileOrNull, writeFileAtomic } from './atomic-file.ts';
import type { Store } from './store/contract.ts';
import { directoryStore } from './store/directory-store.ts';

/** The store may be far away, and each file is some round trips. */
const FILES_AT_ONCE = 16;

/** Of damaged files, in a message. */
const MOST_NAMED = 5;

const INVENTORY = outputLayout.inventory('');
const EVIDENCE = [outputLayout.observationsFolder(''), outputLayout.historyFolder('')] as const;

/** Folders of what no check finds anew. */
const FOR_GOOD: ReadonlySet<string> = new Set(['inventory', 'maps']);

/**
 * What of an output folder lasts from run to run, in parts that have one writer each: the leader has `inventory`, each
 * vantage its own `checks` and `probes`, whoever merges and builds the rest. What hosts asked of the one who asks them goes
 * with whatever of his own is moved. In the order in which they are pulled: observations of
 * more objects than the inventory has would be left out, so that comes last.
 */
export const STATE_PARTS = ['checks', 'probes', 'merged', 'liveness', 'maps', 'inventory'] as const;
export type StatePart = (typeof STATE_PARTS)[number];
/** Those that each vantage has of its own. */
const OWN_PARTS: ReadonlySet<StatePart> = new Set(['checks', 'probes']);

export interface StateOptions {
  readonly output: string;
  readonly store: Store;
  /** Which store it is, for people and for the memory of what it holds. */
  readonly storeName: string;
  readonly parts: readonly StatePart[];
  /** Of `OWN_PARTS`, those of this vantage alone; null = of all. */
  readonly vantage: string | null;
  /** Of what is pulled: throws FormatError where the bytes are no whole file for that path; see `throwUnlessStateFile`. */
  readonly throwUnlessWhole: (path: string, bytes: Buffer, file: string) => void;
  readonly progress: Progress;
  /** Raised: no further file is begun. */
  readonly signal: AbortSignal;
}

export interface StateSummary {
  readonly files: number;
  /** Of these, those that were not there in the same bytes already. */
  readonly moved: number;
  /** Of those that moved. */
  readonly bytes: number;
}

/**
 * Fetches parts of the state from the store into the output folder, over what is there; what the store does not have
 * stays. Each file comes whole or not at all, so that it may be cut anywhere; what is damaged there stays away, is
 * told of, and the rest comes. Throws RunError where the store can't be read, or has something damaged that no check finds
 * anew; and before anything is changed, where its inventory is damaged, or missing though it holds observations: their
 * ids mean nothing without it.
 */
export async function pullState(options: StateOptions): Promise<StateSummary> {
  const { output, store, parts } = options;
  if (parts.includes('inventory')) await throwUnlessFounded(options);
  const local = directoryStore(output);
  const damaged: string[] = [];
  const summary = await move(options, STATE_PARTS, store, async (path, bytes) => {
    const isSame = (await local.read(path))?.equals(bytes) === true;
    if (isSame) return false;
    if (isWhole(options, path, bytes)) await local.writeAtomic(path, bytes);
    else damaged.push(path);
    return !damaged.includes(path);
  });
  tellDamaged(options, damaged.sort());
  return summary;
}

/** Throws RunError where a newer release wrote it. */
function isWhole({ throwUnlessWhole, storeName }: StateOptions, path: string, bytes: Buffer): boolean {
  try {
    throwUnlessWhole(path, bytes, `${storeName}: ${path}`);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** Throws RunError where something is among them that no check finds anew; of the rest it is told: the next push mends it. */
function tellDamaged({ storeName, progress }: StateOptions, paths: readonly string[]): void {
  const isForGood = (path: string) => FOR_GOOD.has(path.slice(0, path.indexOf('/')));
  const forGood = paths.filter(isForGood);
  const of = (some: readonly string[]) =>
    `${storeName}: damaged there, or of a version that is not known: ` +
    `${some.slice(0, MOST_NAMED).join(', ')}${some.length > MOST_NAMED ? ', …' : ''}; what lies here instead was not changed`;
  const evidence = paths.filter((path) => !isForGood(path));
  if (evidence.length > 0) progress.note(`${of(evidence)}; what is found anew takes its place there`);
  if (forGood.length === 0) return;
  throw new RunError(
    `${of(forGood)}. Put it back there from a backup, or with "redirector state push" from where it is whole`,
  );
}

/**
 * Puts parts of the state into the store; files that it got or gave in these very bytes are passed over. Nothing is
 * ever removed there, and each file is replaced as a whole. Throws UsageError for `checks` or `probes` without a vantage:
 * those of others may have moved on since they were pulled; RunError where the store can't be written.
 */
export async function pushState(options: StateOptions): Promise<StateSummary> {
  const { output, store, storeName, parts, vantage } = options;
  const own = parts.find((part) => OWN_PARTS.has(part));
  if (own !== undefined && vantage === null) {
    throw new UsageError(`state push ${own}: name the vantage whose ${own} they are with --vantage`);
  }
  const memory = readMemory(output, storeName);
  const there = new Set<string>();
  for (const part of parts) for (const path of await listed(store, part, vantage)) there.add(path);
  return move(options, STATE_PARTS.toReversed(), directoryStore(output), async (path, bytes) => {
    const isSame = there.has(path) && memory[path] === digestOf(bytes);
    if (!isSame) await store.writeAtomic(path, bytes);
    return !isSame;
  });
}

/** Part by part in the order given; `take` is handed each file, and tells whether it had to be moved. */
async function move(
  { output, storeName, parts, vantage, progress, signal }: StateOptions,
  order: readonly StatePart[],
  from: Store,
  take: (path: string, bytes: Buffer) => Promise<boolean>,
): Promise<StateSummary> {
  const lists: string[][] = [];
  const seen = new Set<string>();
  for (const part of order) {
    const paths = parts.includes(part) ? await listed(from, part, vantage) : [];
    lists.push(paths.filter((path) => !seen.has(path)));
    for (const path of paths) seen.add(path);
  }
  const task = progress.start('state', lists.flat().length, 'files');
  const digests: Record<string, string> = {};
  const total = { files: 0, moved: 0, bytes: 0 };
  const moveOne = async (path: string) => {
    const bytes = signal.aborted ? null : await from.read(path);
    if (bytes === null) return;
    const isMoved = await take(path, bytes);
    digests[path] = digestOf(bytes);
    total.files++;
    if (isMoved) total.moved++;
    if (isMoved) total.bytes += bytes.length;
    task.advance(1);
  };
  try {
    for (const paths of lists) await inParallel(paths, moveOne);
    return total;
  } finally {
    task.end();
    const memory = { ...readMemory(output, storeName), ...digests };
    writeFileAtomic(
      outputLayout.storeMemory(output),
      encodeStoreMemory({ version: 1, store: storeName, digests: memory }),
    );
  }
}

/** After the first failure nothing is begun; what is under way is waited for. */
async function inParallel(paths: readonly string[], work: (path: string) => Promise<void>): Promise<void> {
  const queue = new PQueue({ concurrency: FILES_AT_ONCE });
  try {
    await queue.addAll(paths.map((path) => () => work(path)));
  } catch (error) {
    queue.clear();
    await queue.onIdle();
    throw error;
  }
}

/** The paths of a part that a store has; store and output folder are laid out alike. */
async function listed(store: Store, part: StatePart, vantage: string | null): Promise<string[]> {
  const depth = (path: string) => path.split('/').length;
  const evidence = async (suffix: string) => {
    const [observations, history] = EVIDENCE;
    return [...(await store.list(observations + suffix)), ...(await store.list(history + suffix))];
  };
  /** Of a folder with a file for each vantage, those that are meant. */
  const own = async (folder: string, pathOf: (vantage: string) => string) =>
    (await store.list(folder)).filter((path) => vantage === null || path === pathOf(vantage));
  const hosts = () => own(outputLayout.hostsFolder(''), (name) => outputLayout.hosts('', name));
  switch (part) {
    case 'checks': {
      const files = await evidence(vantage === null ? '' : `/${vantage}`);
      return [...files.filter((path) => depth(path) === 3), ...(await hosts())];
    }
    case 'probes': {
      const files = await own(outputLayout.livenessFolder(''), (name) => outputLayout.liveness('', name));
      return [...files, ...(await hosts())];
    }
    case 'merged': {
      const files = (await evidence('')).filter((path) => depth(path) === 2);
      return [...files, ...(await present(store, outputLayout.hosts('')))];
    }
    case 'liveness':
      return present(store, outputLayout.liveness(''), outputLayout.hosts(''));
    case 'maps':
      return present(store, outputLayout.objectTable(''));
    case 'inventory':
      return store.list(INVENTORY.slice(0, INVENTORY.indexOf('/')));
  }
}

/** Of single files, small enough to be read to see it, those that a store has. */
async function present(store: Store, ...paths: readonly string[]): Promise<string[]> {
  const there: string[] = [];
  for (const path of paths) if ((await store.read(path)) !== null) there.push(path);
  return there;
}

async function throwUnlessFounded(options: StateOptions): Promise<void> {
  const { store, storeName } = options;
  const bytes = await store.read(INVENTORY);
  if (bytes !== null) {
    if (!isWhole(options, INVENTORY, bytes)) tellDamaged(options, [INVENTORY]);
    return;
  }
  const [orphan] = await store.list(EVIDENCE[0]);
  if (orphan === undefined) return;
  throw new RunError(
    `${storeName}: it has ${orphan} but no ${INVENTORY}, without which no observation means anything; put that back, or remove ${EVIDENCE[0]} and ${EVIDENCE[1]} there to begin anew`,
  );
}

/** What this store was last known to hold; nothing where another one was used, or none. */
function readMemory(output: string, storeName: string): Readonly<Record<string, string>> {
  const memory = decodeStoreMemory(readFileOrNull(outputLayout.storeMemory(output))?.toString('utf8') ?? '');
  return memory?.store === storeName ? memory.digests : {};
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}
