import { directoryOf } from '../../core/directory.ts';
import { ObjectType } from '../../core/inventory.ts';
import { ENDLESS_LISTING, type SftpConnection } from '../../core/node/sftp/connection.ts';
import { foreignText, hasStatus, SftpError, SftpKeyError, SftpStatus } from '../../core/node/sftp/error.ts';
import { SftpFolder } from '../../core/node/sftp/folder.ts';
import type { SftpEntry } from '../../core/node/sftp/piece.ts';
import type { SftpPlace } from '../../core/node/sftp/place.ts';
import { pathFromBytes } from '../../core/path-bytes.ts';
import { checkByDirectory, type DirectoryLister, type DirectoryListing } from '../directory-walk.ts';
import type { ListedEntry } from '../listed-tree.ts';
import type { HostBudget } from '../net/host-budget.ts';
import { guardedLookup } from '../net/reach.ts';
import { asUtf8, NO_LOGIN, placeOf, remotePath, sftpReason } from '../sftp/access.ts';
import { linksNeeded } from '../sftp/links-needed.ts';
import type { CheckTask, Method, MethodReport } from './contract.ts';

/** One listing of each directory of the inventory, and the targets of the links that count, over one connection. */
export const sftp: Method = { name: 'sftp', scope: 'directory', protocols: ['sftp'], check };

/** A far server reads one directory while the names of others are on their way. */
const DIRECTORIES_AT_ONCE = 8;
const LINKS_AT_ONCE = 128;
/** Pieces of all listings under way. */
const READS_AT_ONCE = 16;
/** Some 300,000 names of one directory. */
const MAX_LISTING_BYTES = 2 ** 25;
const NOT_UTF8 = 'has a name that is no UTF-8: SFTP cannot tell of it';
const SIZELESS = 'is listed without a size';
const TYPELESS = 'is listed as neither file nor directory nor link';
/** In names where there were bytes that are no UTF-8. */
const UNREADABLE = '\ufffd';

async function check(task: CheckTask): Promise<MethodReport> {
  const { accessPoint, sftpKey = null, timeoutMs } = task;
  const budget = task.hosts.of(accessPoint.url);
  const lookup = budget.allowed === null ? {} : { lookup: guardedLookup(budget.allowed) };
  const place = placeOf(accessPoint, { privateKey: sftpKey, timeoutMs, ...lookup });
  if (place === null) {
    return { ended: 'unasked', reason: NO_LOGIN, requests: 0, connections: 0 };
  }
  return checkByDirectory(task, new SftpLister(task, place, budget), budget);
}

class SftpLister implements DirectoryLister {
  readonly atOnce = DIRECTORIES_AT_ONCE;
  readonly #task: CheckTask;
  readonly #budget: HostBudget;
  readonly #folder: SftpFolder;
  readonly #user: string;
  readonly #stopped = new AbortController();
  readonly #needed: Uint8Array;
  /** By path, why an object that is listed is not told of. */
  readonly #doubts = new Map<string, string>();
  #readsAtOnce = READS_AT_ONCE;
  #requests = 0;
  #transferred = 0;

  constructor(task: CheckTask, place: SftpPlace, budget: HostBudget) {
    this.#task = task;
    this.#budget = budget;
    this.#user = place.user;
    const folder = remotePath(task.accessPoint, '') as string;
    this.#folder = new SftpFolder({ ...place, folder }, this.#stopped.signal);
    this.#needed = linksNeeded(task.inventory, task.objectIdOf, task.objectIds);
  }

  get cost() {
    const { connections, bytes } = this.#folder;
    return { requests: this.#requests, connections, bytes };
  }

  refusal(directory: string): string {
    return asUtf8(directory) === null ? NOT_UTF8 : '';
  }

  doubt(path: string): string {
    return this.#doubts.get(path) ?? (isTold(path) ? '' : NOT_UTF8);
  }

  stop(reason: string): void {
    this.#stopped.abort(reason);
  }

  async read(directory: string, onEntry: (entry: ListedEntry) => void): Promise<DirectoryListing> {
    try {
      const connection = await this.#folder.connected();
      this.#requests++;
      const links = new Set<string>();
      let oddName: string | null = null;
      const remote = this.#folder.at(asUtf8(directory) as string);
      const atOnce = this.#readsAtOnce;
      for await (const entries of connection.batches(remote, { maxBytes: MAX_LISTING_BYTES, atOnce })) {
        oddName ??= entries.find(({ name }) => name === '' || /[/\0]/.test(name))?.name ?? null;
        for (const entry of entries) this.#tell(directory, entry, links, onEntry);
      }
      const paths = [...links];
      for (let i = 0; i < paths.length; i += LINKS_AT_ONCE) {
        await Promise.all(paths.slice(i, i + LINKS_AT_ONCE).map((path) => this.#follow(connection, path, onEntry)));
      }
      const reason = oddName === null ? '' : `lists a name that none can be: ${foreignText(oddName, this.#user)}`;
      return { ended: reason === '' ? 'whole' : 'partial', reason, wouldShow: (id) => this.#wouldShow(id) };
    } catch (error) {
      return { ...this.#failed(error), wouldShow: () => false };
    } finally {
      this.#budget.transferred(this.#folder.bytes - this.#transferred);
      this.#transferred = this.#folder.bytes;
    }
  }

  #failed(error: unknown): Pick<DirectoryListing, 'ended' | 'reason' | 'isFinal'> {
    const { signal } = this.#stopped;
    const reason = signal.aborted ? String(signal.reason) : sftpReason(error, this.#user, this.#task.timeoutMs);
    if (error instanceof SftpKeyError) return { ended: 'unasked', reason };
    if (hasStatus(error, SftpStatus.noSuchFile)) return { ended: 'missing', reason };
    if (hasStatus(error, SftpStatus.permissionDenied)) return { ended: 'refused', reason };
    // It may be that the server can't take several questions at once.
    this.#readsAtOnce = 1;
    return { ended: 'failed', reason, isFinal: error instanceof SftpError && error.reason === ENDLESS_LISTING };
  }

  /** Hands on what a directory shows; of links whose targets count, the path goes into `links`. */
  #tell(
    directory: string,
    { name, type, sizeBytes }: SftpEntry,
    links: Set<string>,
    onEntry: (entry: ListedEntry) => void,
  ): void {
    if (name.includes(UNREADABLE)) return;
    const path = childPath(directory, name);
    const id = this.#task.objectIdOf(path);
    const none = { path, sizeBytes: -1, target: '' };
    if (type === 'directory') onEntry({ ...none, type: ObjectType.directory });
    else if (type === 'symlink' && id !== undefined && this.#needed[id] === 1) links.add(path);
    else if (type === 'symlink') onEntry({ ...none, type: ObjectType.symlink });
    else if (type === 'file' && sizeBytes >= 0) onEntry({ ...none, type: ObjectType.file, sizeBytes });
    else if (id !== undefined) this.#doubts.set(path, type === 'file' ? SIZELESS : TYPELESS);
  }

  /** Reads where a link leads. Throws SftpError where there is no answer. */
  async #follow(connection: SftpConnection, path: string, onEntry: (entry: ListedEntry) => void): Promise<void> {
    if (!(await this.#budget.admission(this.#stopped.signal))) throw new SftpError(path, 'interrupted', null);
    this.#requests++;
    try {
      const target = await connection.readLink(this.#folder.at(asUtf8(path) as string));
      if (target.includes(UNREADABLE)) this.#doubts.set(path, 'leads to a name that is no UTF-8');
      else onEntry({ type: ObjectType.symlink, path, sizeBytes: -1, target: pathFromBytes(Buffer.from(target)) });
    } catch (error) {
      if (!(error instanceof SftpError) || error.status === null) throw error;
      const reason = sftpReason(error, this.#user, this.#task.timeoutMs);
      this.#doubts.set(path, `is listed as a link whose target cannot be read: ${reason}`);
    }
  }

  #wouldShow(id: number): boolean {
    const path = this.#task.inventory.paths.at(id) as string;
    return isTold(path) && !this.#doubts.has(path);
  }
}

/** Whether a listing can tell of that name: any other would be read as this one, or this one as any other. */
function isTold(path: string): boolean {
  const name = asUtf8(path.slice(directoryOf(path).length));
  return name !== null && !name.includes(UNREADABLE);
}

function childPath(directory: string, name: string): string {
  const encoded = pathFromBytes(Buffer.from(name));
  return directory === '' ? encoded : `${directory}/${encoded}`;
}
