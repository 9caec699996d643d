import { directoriesInTurn } from '../../core/directory.ts';
import { beneathLinks, isDirectoryLike, ObjectType } from '../../core/inventory.ts';
import { ownText } from '../../core/lines.ts';
import { Outcome } from '../../core/observations.ts';
import { canonicalRequestPath } from '../../core/path.ts';
import { ListedTree } from '../listed-tree.ts';
import type { IndexEntry } from '../listing/index-page.ts';
import { type WalkReport, walkIndexes } from '../listing/index-walk.ts';
import type { SizeRange } from '../listing/listed-size.ts';
import { PageClient } from '../net/page-client.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

const CONNECTIONS = 2;
const DEPTH = 8;
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
/** A page gets so many times the time-out: five minutes for ten seconds. */
const PAGE_TIMEOUTS = 30;
/** And all of them together: an hour. */
const BUDGET_TIMEOUTS = 360;
/** A name that begins or ends like this, or that Apache's usual configuration leaves out. */
const OFTEN_HIDDEN = /(?:^|\/)(?:\.|README|HEADER|RCS(?:\/|$)|CVS(?:\/|$))|(?:~|%23|%2C[vt])(?:\/|$)/i;

/** An index page for each directory, compared with the inventory. */
export const httpListing: Method = { name: 'http-listing', scope: 'directory', protocols: ['https', 'http'], check };

async function check(task: CheckTask): Promise<MethodReport> {
  const { accessPoint, inventory, timeoutMs, signal } = task;
  const { origin, pathname } = new URL(accessPoint.url);
  const seen = new SeenTree(task);
  const client = await PageClient.open({
    origin,
    userAgent: task.acquaintance.greeting?.userAgent ?? task.userAgent,
    budget: task.hosts.of(accessPoint.url),
    connections: CONNECTIONS,
    depth: DEPTH,
    timeoutMs,
    pageTimeoutMs: timeoutMs * PAGE_TIMEOUTS,
    maxPageBytes: MAX_PAGE_BYTES,
    signal,
  });
  const beneath = beneathLinks(inventory);
  const directories = directoriesToRead(task, beneath);
  const walk = await walkIndexes({
    client,
    root: { origin, path: `/${canonicalRequestPath(pathname) ?? ''}` },
    directories,
    onPage: (directory) => seen.page(directory),
    budgetMs: timeoutMs * BUDGET_TIMEOUTS,
    signal,
  });
  await client.close();
  seen.tell(walk, beneath);
  const { requests, connections, bytes } = client;
  return { ...verdict(walk, directories.size), requests, connections, bytes };
}

/** Those that hold something to check which a page can show, and how many such objects. */
function directoriesToRead({ inventory, objectIds }: CheckTask, beneath: Uint8Array): Map<string, number> {
  const directories = new Map<string, number>();
  const directoryOf = directoriesInTurn();
  let last = '';
  let count = 0;
  const add = () => count > 0 && directories.set(last, count + (directories.get(last) ?? 0));
  for (const id of objectIds) {
    if (beneath[id] !== 0) continue;
    const directory = directoryOf(inventory.paths.at(id) as string);
    if (directory !== last) {
      add();
      last = ownText(directory);
      count = 0;
    }
    count++;
  }
  add();
  return directories;
}

function verdict(walk: WalkReport, directories: number): Pick<MethodReport, 'ended' | 'reason'> {
  if (walk.ended === 'interrupted') return { ended: 'interrupted', reason: '' };
  const doubts = [...walk.doubts.values()].filter((doubt) => doubt !== '');
  if (walk.pages === 0) return { ended: 'unusable', reason: walk.reason || (doubts[0] ?? 'no index pages') };
  if (walk.ended === 'gave up') return { ended: 'partial', reason: walk.reason };
  if (doubts.length === 0) return { ended: 'whole', reason: '' };
  return {
    ended: 'partial',
    reason: `${doubts.length} of ${directories} index pages ${doubts.length === 1 ? 'is' : 'are'} not whole, the first: ${doubts[0]}`,
  };
}

/** What the pages show of the inventory. */
class SeenTree {
  readonly #task: CheckTask;
  readonly #tree: ListedTree;
  /** Names with a size that fits but is not exact, or with none, by object id. */
  readonly #isHint: Uint8Array;

  constructor(task: CheckTask) {
    this.#task = task;
    this.#tree = new ListedTree(task.inventory, task.objectIdOf);
    this.#isHint = new Uint8Array(task.inventory.paths.length);
  }

  /** What the entries of a directory's page are given to. */
  page(directory: string): (entry: IndexEntry) => void {
    const { inventory, objectIdOf } = this.#task;
    const { paths } = inventory;
    const prefix = directory === '' ? '' : `${directory}/`;
    // Servers sort by name, as the inventory mostly is: the next object is the one after the last.
    let expected = 0;
    const isExpected = (name: string) => {
      const path = paths.at(expected);
      return path?.length === prefix.length + name.length && path.endsWith(name) && path.startsWith(prefix);
    };
    return ({ name, isDirectory, size }) => {
      const id = isExpected(name) ? expected : objectIdOf(prefix + name);
      if (id === undefined) return;
      expected = id + 1;
      this.#see(id, isDirectory, size);
    };
  }

  #see(id: number, isDirectory: boolean, { minBytes, maxBytes }: SizeRange): void {
    let sizeBytes = minBytes;
    if (!isDirectory && minBytes !== maxBytes) {
      sizeBytes = this.#task.inventory.sizeBytes[id] as number;
      // A size that can't be right is a hint as well, of another kind: no proof of anything, so not told.
      this.#isHint[id] = sizeBytes >= minBytes && sizeBytes <= maxBytes ? 1 : 2;
    }
    this.#tree.see(id, isDirectory, sizeBytes);
  }

  /** Tells the sink of every object that was to be checked. */
  tell(walk: WalkReport, beneath: Uint8Array): void {
    const { inventory, objectIdOf, objectIds, sink } = this.#task;
    const directoryOf = directoriesInTurn();
    const doubtOf = (id: number) => walk.doubts.get(directoryOf(inventory.paths.at(id) as string));
    const root = objectIdOf('');
    // No page shows it but its own.
    if (root !== undefined && walk.doubts.get('') === '') this.#tree.see(root, true, -1);
    this.#tree.isWhole = (id) =>
      id !== root && doubtOf(id) === '' && !OFTEN_HIDDEN.test(inventory.paths.at(id) as string);
    for (const id of objectIds) {
      const outcome = this.#tree.outcome(id);
      // What lies beneath a link is concluded, not seen: the link may lead elsewhere on the mirror.
      if (beneath[id] === 1 && outcome === Outcome.present) this.#isHint[id] = 1;
      const isPage = inventory.types[id] === ObjectType.directory;
      const pageDoubt = isPage ? walk.doubts.get(inventory.paths.at(id) as string) : undefined;
      if (outcome === Outcome.none || this.#isHint[id] === 2 || (outcome === Outcome.present && pageDoubt)) {
        if (walk.ended === 'interrupted') continue;
        sink.fail(id, pageDoubt || doubtOf(id) || walk.reason || 'not to be told from an index page');
      } else if (this.#isHint[id] === 1 && !isDirectoryLike(inventory, id)) sink.hint(id);
      else sink.record(id, outcome, this.#tree.sizeBytes(id, outcome));
    }
  }
}
