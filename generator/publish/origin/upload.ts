import PQueue from 'p-queue';
import { RunError } from '../../../core/errors.ts';
import type { GatheredRelease, PublishContext, ReleaseFile, ReleaseManifest, UploadWork } from '../contract.ts';
import { encodeManifest, MANIFEST_FILE, sha256Of } from '../manifest.ts';
import { type OriginFiles, removeTree } from './files.ts';

/** Where a release grows. It has one place, so what a cut upload left is found by the next one. */
export const INCOMING = 'incoming';
const FILES_AT_ONCE = 32;
/** So often a file is tried in all, over a new connection each time. */
const TRIES = 3;

/**
 * Brings a release into `INCOMING`, file by file: what lies there already with the right hash stays, what another
 * release has is linked, the rest is sent. Every file is read back and its hash compared. Throws RunError.
 */
export async function uploadInto(
  files: OriginFiles,
  release: GatheredRelease,
  others: readonly ReleaseManifest[],
  { progress, signal }: PublishContext,
): Promise<UploadWork> {
  const { manifest } = release;
  const left = await leftThere(files, manifest);
  for (const directory of directoriesOf(manifest)) await files.makeDirectory(`${INCOMING}/${directory}`);
  const elsewhere = placesOf(others);
  const task = progress.start('upload', manifest.files.length, 'files');
  const queue = new PQueue({ concurrency: FILES_AT_ONCE });
  let sent = { files: 0, bytes: 0 };
  const bring = async (file: ReleaseFile) => {
    if (signal.aborted) throw new RunError('interrupted; the next publication goes on from there');
    const wasSent = await withTries(files, () => bringOne(files, release, file, left, elsewhere));
    if (wasSent) sent = { files: sent.files + 1, bytes: sent.bytes + file.sizeBytes };
    task.advance(1);
  };
  try {
    await Promise.all(manifest.files.map((file) => queue.add(() => bring(file))));
  } finally {
    // The rest need not fail one by one; what is under way ends first, so that nobody works behind the lock's back.
    queue.clear();
    await queue.onIdle();
    task.end();
  }
  await files.write(`${INCOMING}/${MANIFEST_FILE}`, encodeManifest(manifest));
  return sent;
}

async function withTries<T>(files: OriginFiles, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!files.isCut(error) || tries === TRIES) throw error;
    }
  }
}

/** Answers whether the bytes had to be sent. */
async function bringOne(
  files: OriginFiles,
  release: GatheredRelease,
  file: ReleaseFile,
  left: ReadonlySet<string>,
  elsewhere: ReadonlyMap<string, string>,
): Promise<boolean> {
  const place = `${INCOMING}/${file.path}`;
  if (left.has(file.path)) {
    if (await isRight(files, place, file)) return false;
    // It may be linked: writing over it would write into another release.
    await files.remove(place);
  }
  const source = elsewhere.get(file.sha256);
  if (source !== undefined) {
    const isLinked = await files.hardLink(source, place).catch(() => false);
    if (isLinked && (await isRight(files, place, file))) return false;
    await files.remove(place);
  }
  await files.write(place, release.read(file.path));
  if (await isRight(files, place, file)) return true;
  throw new RunError(`${files.where}/${place}: what was written is not what is read back; check that disk`);
}

async function isRight(files: OriginFiles, place: string, { sizeBytes, sha256 }: ReleaseFile): Promise<boolean> {
  const bytes = await files.read(place);
  return bytes !== null && bytes.length === sizeBytes && sha256Of(bytes) === sha256;
}

/** Paths of the release that something lies at; the rest of what lies there is removed. */
async function leftThere(files: OriginFiles, manifest: ReleaseManifest): Promise<Set<string>> {
  const wanted = new Set(manifest.files.map(({ path }) => path));
  const directories = new Set(directoriesOf(manifest));
  const left = new Set<string>();
  const look = async (directory: string): Promise<void> => {
    for (const { name, type } of await files.list(directory === '' ? INCOMING : `${INCOMING}/${directory}`)) {
      const path = directory === '' ? name : `${directory}/${name}`;
      if (type === 'directory') {
        if (directories.has(path)) await look(path);
        else await removeTree(files, `${INCOMING}/${path}`);
      } else if (type === 'file' && wanted.has(path)) left.add(path);
      else await files.remove(`${INCOMING}/${path}`);
    }
  };
  await look('');
  return left;
}

/** All directories of a release, parents first. */
function directoriesOf({ files }: ReleaseManifest): string[] {
  const all = new Set<string>(['']);
  for (const { path } of files) {
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) all.add(path.slice(0, end));
  }
  return [...all].sort();
}

/** By hash: a file of another release with those bytes. */
function placesOf(others: readonly ReleaseManifest[]): Map<string, string> {
  return new Map(
    others.flatMap(({ id, files }) => files.map(({ path, sha256 }) => [sha256, `releases/${id}/${path}`] as const)),
  );
}
