import { randomBytes } from 'node:crypto';
import { FormatError, messageOf, quoted, RunError } from '../../../core/errors.ts';
import type {
  GatheredRelease,
  OriginTarget,
  Publication,
  PublishContext,
  ReleaseManifest,
  UploadWork,
} from '../contract.ts';
import { decodeLog, decodeManifest, encodeLog, isReleaseId, MANIFEST_FILE, sha256Of } from '../manifest.ts';
import { type OriginFiles, removeTree } from './files.ts';
import { LEASE_TIMES, type LeaseTimes, type PublishLock, takeLock } from './publish-lock.ts';
import { INCOMING, uploadInto } from './upload.ts';

const RELEASES = 'releases';
const CURRENT = 'current';
const LOG_FILE = 'publications.json';
/** What is being removed has a name of its own, so that a half of it is never taken for a release. */
const REMOVING = /^removing-/;
const TEMPORARY = /\.tmp$/;

/** Releases below the root of `files`. `command` is what the lock says. */
export function originTarget(
  name: string,
  command: string,
  files: OriginFiles,
  times: LeaseTimes = LEASE_TIMES,
): OriginTarget {
  return new Origin(name, command, files, times);
}

class Origin implements OriginTarget {
  readonly name: string;
  readonly #command: string;
  readonly #files: OriginFiles;
  readonly #times: LeaseTimes;
  #lock: PublishLock | null = null;

  constructor(name: string, command: string, files: OriginFiles, times: LeaseTimes) {
    this.name = name;
    this.#command = command;
    this.#files = files;
    this.#times = times;
  }

  async withLock<T>(work: () => Promise<T>, { progress, signal }: PublishContext): Promise<T> {
    const lock = await takeLock(this.#files, this.#command, this.#times, { note: progress.note, signal });
    this.#lock = lock;
    try {
      await this.#removeLeftovers();
      return await work();
    } finally {
      this.#lock = null;
      // The failure of the work counts; a lock that could not be removed is found dead by the next one.
      await lock.release().catch((error) => progress.note(`the lock stays: ${messageOf(error)}`));
    }
  }

  async current(): Promise<ReleaseManifest | null> {
    const id = await this.#currentId();
    return id === null ? null : this.#manifestAt(id);
  }

  async list(): Promise<readonly ReleaseManifest[]> {
    const ids = (await this.#files.list(RELEASES)).map((entry) => entry.name).filter(isReleaseId);
    const found: ReleaseManifest[] = [];
    for (const id of ids.sort().reverse()) {
      const manifest = await this.#manifestAt(id).catch(ignoreTorn);
      if (manifest !== null) found.push(manifest);
    }
    return found;
  }

  async read({ id, files: known }: ReleaseManifest, path: string): Promise<Buffer> {
    const file = known.find((one) => one.path === path);
    const bytes = file === undefined ? null : await this.#files.read(`${RELEASES}/${id}/${path}`);
    if (bytes === null) throw this.#error(`release ${id} has no ${quoted(path)}`);
    if (sha256Of(bytes) === file?.sha256) return bytes;
    throw this.#error(`${quoted(path)} of release ${id} is not what was published; do not use it`);
  }

  async log(): Promise<readonly Publication[]> {
    const bytes = await this.#files.read(LOG_FILE);
    return bytes === null ? [] : decodeLog(bytes, `${this.#files.where}/${LOG_FILE}`);
  }

  async record(publication: Publication): Promise<void> {
    await this.#assertHeld();
    const before = await this.log();
    const last = before.at(-1);
    const isSame = last?.releaseId === publication.releaseId && last.atMs === publication.atMs;
    const beside = temporaryName(LOG_FILE);
    await this.#files.write(beside, encodeLog([...(isSame ? before.slice(0, -1) : before), publication]));
    await this.#files.renameOver(beside, LOG_FILE);
  }

  async upload(release: GatheredRelease, context: PublishContext): Promise<UploadWork> {
    await this.#assertHeld();
    const { id } = release.manifest;
    const others = await this.list();
    // Gathered in the same second from the same files.
    if (others.some((one) => one.id === id)) return { files: 0, bytes: 0 };
    const work = await uploadInto(this.#files, release, others, context).catch(async (error) => {
      // After a cut the next upload goes on from there; of a full disk nothing should be kept from others.
      const isGoingOn = this.#files.isCut(error) || context.signal.aborted;
      if (!isGoingOn) await removeTree(this.#files, INCOMING).catch(() => {});
      throw error;
    });
    await this.#assertHeld();
    await this.#files.makeDirectory(RELEASES);
    const isNew = await this.#files.renameNew(INCOMING, `${RELEASES}/${id}`);
    if (!isNew) throw this.#error(`${RELEASES}/${id} is there already, and is no whole release; remove it`);
    return work;
  }

  async switchTo(releaseId: string): Promise<void> {
    await this.#assertHeld();
    if ((await this.#manifestAt(releaseId)) === null) throw this.#error(`there is no release ${releaseId}`);
    const beside = temporaryName(CURRENT);
    await this.#files.makeLink(`${RELEASES}/${releaseId}`, beside);
    await this.#files.renameOver(beside, CURRENT);
  }

  async prune(keep: number, spared: readonly string[]): Promise<readonly string[]> {
    await this.#assertHeld();
    const spare = new Set([await this.#currentId(), ...spared]);
    const done = new Set((await this.log()).filter(({ state }) => state === 'done').map(({ releaseId }) => releaseId));
    const ids = (await this.list()).map(({ id }) => id);
    const kept = new Set(ids.filter((id) => done.has(id)).slice(0, keep));
    const old = ids.filter((id) => !kept.has(id) && !spare.has(id));
    for (const id of old) {
      await this.#files.renameNew(`${RELEASES}/${id}`, `removing-${id}`);
      await removeTree(this.#files, `removing-${id}`);
    }
    return old;
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  async #assertHeld(): Promise<void> {
    if (this.#lock === null) throw new TypeError(`${this.#files.where}: a publication without its lock`);
    await this.#lock.assertHeld();
  }

  async #manifestAt(id: string): Promise<ReleaseManifest | null> {
    const path = `${RELEASES}/${id}/${MANIFEST_FILE}`;
    const bytes = await this.#files.read(path);
    return bytes === null ? null : decodeManifest(bytes, `${this.#files.where}/${path}`);
  }

  /** Null where there is no `current` yet. Throws RunError where it is something that no publication made. */
  async #currentId(): Promise<string | null> {
    const target = await this.#files.readLink(CURRENT);
    const id = target === null ? null : target.replace(/^.*\//, '');
    if (id !== null && isReleaseId(id)) return id;
    const entries = await this.#files.list('');
    if (!entries.some((entry) => entry.name === CURRENT)) return null;
    throw new RunError(`${this.#files.where}/${CURRENT}: not a link to a release; move it away`);
  }

  /** What killed publications left; `INCOMING` stays, for the upload that goes on with it. */
  async #removeLeftovers(): Promise<void> {
    for (const { name, type } of await this.#files.list('')) {
      if (REMOVING.test(name) && type === 'directory') await removeTree(this.#files, name);
      else if (TEMPORARY.test(name) && type !== 'directory') await this.#files.remove(name);
    }
  }

  #error(sentence: string): RunError {
    return new RunError(`${this.#files.where}: ${sentence}`);
  }
}

function temporaryName(path: string): string {
  return `${path}.${randomBytes(8).toString('hex')}.tmp`;
}

function ignoreTorn(error: unknown): null {
  if (error instanceof FormatError) return null;
  throw error;
}
