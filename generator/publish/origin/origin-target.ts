import { randomBytes } from 'node:crypto';
import { FormatError, messageOf, quoted, RunError } from '../../../core/errors.ts';
import type { OriginTarget, PublishContext, ReleaseManifest } from '../contract.ts';
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
  let lock: PublishLock | null = null;
  const held = async () => {
    if (lock === null) throw new TypeError(`${files.where}: a publication without its lock`);
    await lock.assertHeld();
  };
  const manifestAt = async (id: string): Promise<ReleaseManifest | null> => {
    const path = `${RELEASES}/${id}/${MANIFEST_FILE}`;
    const bytes = await files.read(path);
    return bytes === null ? null : decodeManifest(bytes, `${files.where}/${path}`);
  };
  const list = async () => {
    const ids = (await files.list(RELEASES)).map((entry) => entry.name).filter(isReleaseId);
    const found: ReleaseManifest[] = [];
    for (const id of ids.sort().reverse()) {
      const manifest = await manifestAt(id).catch(ignoreTorn);
      if (manifest !== null) found.push(manifest);
    }
    return found;
  };
  const log = async () => {
    const bytes = await files.read(LOG_FILE);
    return bytes === null ? [] : decodeLog(bytes, `${files.where}/${LOG_FILE}`);
  };
  return {
    name,
    list,
    log,
    withLock: async (work, context) => {
      lock = await takeLock(files, command, times, { note: context.progress.note, signal: context.signal });
      try {
        await removeLeftovers(files);
        return await work();
      } finally {
        const ours = lock;
        lock = null;
        // The failure of the work counts; a lock that could not be removed is found dead by the next one.
        await ours.release().catch((error) => context.progress.note(`the lock stays: ${messageOf(error)}`));
      }
    },
    current: async () => {
      const id = await currentId(files);
      return id === null ? null : manifestAt(id);
    },
    read: async ({ id, files: known }, path) => {
      const file = known.find((one) => one.path === path);
      const bytes = file === undefined ? null : await files.read(`${RELEASES}/${id}/${path}`);
      if (bytes === null) throw new RunError(`${files.where}: release ${id} has no ${quoted(path)}`);
      if (sha256Of(bytes) === file?.sha256) return bytes;
      throw new RunError(`${files.where}: ${quoted(path)} of release ${id} is not what was published; do not use it`);
    },
    record: async (publication) => {
      await held();
      const before = await log();
      const last = before.at(-1);
      const isSame = last?.releaseId === publication.releaseId && last.atMs === publication.atMs;
      await replace(files, LOG_FILE, encodeLog([...(isSame ? before.slice(0, -1) : before), publication]));
    },
    upload: async (release, context: PublishContext) => {
      await held();
      const others = await list();
      // Gathered in the same second from the same files.
      if (others.some(({ id }) => id === release.manifest.id)) return { files: 0, bytes: 0 };
      const work = await uploadInto(files, release, others, context).catch(async (error) => {
        // After a cut the next upload goes on from there; of a full disk nothing should be kept from others.
        const isGoingOn = files.isCut(error) || context.signal.aborted;
        if (!isGoingOn) await removeTree(files, INCOMING).catch(() => {});
        throw error;
      });
      await held();
      await files.makeDirectory(RELEASES);
      const place = `${RELEASES}/${release.manifest.id}`;
      if (!(await files.renameNew(INCOMING, place))) throw new RunError(`${files.where}/${place} is there already`);
      return work;
    },
    switchTo: async (releaseId) => {
      await held();
      if ((await manifestAt(releaseId)) === null)
        throw new RunError(`${files.where}: there is no release ${releaseId}`);
      const beside = `${CURRENT}.${randomBytes(8).toString('hex')}.tmp`;
      await files.makeLink(`${RELEASES}/${releaseId}`, beside);
      await files.renameOver(beside, CURRENT);
    },
    prune: async (keep, spared) => {
      await held();
      const spare = new Set([await currentId(files), ...spared]);
      const done = new Set((await log()).filter(({ state }) => state === 'done').map(({ releaseId }) => releaseId));
      const ids = (await list()).map(({ id }) => id);
      const kept = new Set(ids.filter((id) => done.has(id)).slice(0, keep));
      const old = ids.filter((id) => !kept.has(id) && !spare.has(id));
      for (const id of old) {
        await files.renameNew(`${RELEASES}/${id}`, `removing-${id}`);
        await removeTree(files, `removing-${id}`);
      }
      return old;
    },
    close: () => files.close(),
  };
}

function ignoreTorn(error: unknown): null {
  if (error instanceof FormatError) return null;
  throw error;
}

/** Null where there is no `current` yet. Throws RunError where it is something that no publication made. */
async function currentId(files: OriginFiles): Promise<string | null> {
  const target = await files.readLink(CURRENT);
  const id = target === null ? null : target.replace(/^.*\//, '');
  if (id !== null && isReleaseId(id)) return id;
  const entries = await files.list('');
  if (!entries.some((entry) => entry.name === CURRENT)) return null;
  throw new RunError(`${files.where}/${CURRENT}: not a link to a release; move it away`);
}

async function replace(files: OriginFiles, path: string, bytes: Buffer): Promise<void> {
  const beside = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  await files.write(beside, bytes);
  await files.renameOver(beside, path);
}

/** What killed publications left; `INCOMING` stays, for the upload that goes on with it. */
async function removeLeftovers(files: OriginFiles): Promise<void> {
  for (const { name, type } of await files.list('')) {
    if (REMOVING.test(name) && type === 'directory') await removeTree(files, name);
    else if (TEMPORARY.test(name) && type !== 'directory') await files.remove(name);
  }
}
