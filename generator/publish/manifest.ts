import { createHash } from 'node:crypto';
import { FormatError, messageOf } from '../../core/errors.ts';
import type { Publication, ReleaseFigures, ReleaseFile, ReleaseManifest } from './contract.ts';

export const MANIFEST_FILE = 'release.json';

const ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;
const SHA256 = /^[0-9a-f]{64}$/;
/** Nothing that could lead out of a release folder, or that a person can't read. */
const FILE_PATH = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._~+@%-]+(?:\/[A-Za-z0-9._~+@%-]+)*$/;
const MOST_PUBLICATIONS = 500;
const MANIFEST_WAY_OUT = 'remove that release, and publish';
const LOG_WAY_OUT = 'move it away: the next publication begins another, and is guarded like a first one';

export function isReleaseId(text: string): boolean {
  return ID.test(text);
}

export function isReleasePath(path: string): boolean {
  return FILE_PATH.test(path) && path.length <= 500;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The manifest of these files; they are sorted by path. */
export function manifestOf(
  files: readonly ReleaseFile[],
  about: {
    readonly gatheredAtMs: number;
    readonly builtAtMs: number;
    readonly figures: ReleaseFigures;
    readonly forced: ReleaseManifest['forced'];
  },
): ReleaseManifest {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const lines = sorted.map(({ path, sha256 }) => `${sha256}  ${path}\n`);
  const sha256 = sha256Of(Buffer.from(lines.join('')));
  const time = new Date(about.gatheredAtMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const { gatheredAtMs, builtAtMs, figures, forced } = about;
  return {
    version: 1,
    id: `${time}-${sha256.slice(0, 8)}`,
    sha256,
    gatheredAtMs,
    builtAtMs,
    files: sorted,
    figures,
    forced,
  };
}

export function encodeManifest(manifest: ReleaseManifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest)}\n`);
}

/** Throws FormatError, naming `file`, where it is none, or names a file that a release folder can't have. */
export function decodeManifest(bytes: Uint8Array, file: string): ReleaseManifest {
  const manifest = parsed(bytes, file, MANIFEST_WAY_OUT) as Partial<ReleaseManifest>;
  const isWhole =
    manifest?.version === 1 &&
    isReleaseId(manifest.id ?? '') &&
    Array.isArray(manifest.files) &&
    manifest.files.every(isReleaseFile) &&
    typeof manifest.figures?.objects === 'number' &&
    typeof manifest.figures.candidates === 'object' &&
    typeof manifest.gatheredAtMs === 'number' &&
    typeof manifest.builtAtMs === 'number';
  if (!isWhole) throw new FormatError(`${file}: not the manifest of a release of version 1; ${MANIFEST_WAY_OUT}`);
  return manifest as ReleaseManifest;
}

function isReleaseFile(file: Partial<ReleaseFile> | null): boolean {
  return (
    typeof file?.path === 'string' &&
    isReleasePath(file.path) &&
    Number.isSafeInteger(file.sizeBytes) &&
    SHA256.test(file.sha256 ?? '')
  );
}

export function encodeLog(publications: readonly Publication[]): Buffer {
  return Buffer.from(`${JSON.stringify({ version: 1, publications: publications.slice(-MOST_PUBLICATIONS) })}\n`);
}

/** Throws FormatError, naming `file`, where it is none. */
export function decodeLog(bytes: Uint8Array, file: string): Publication[] {
  const log = parsed(bytes, file, LOG_WAY_OUT) as { version?: unknown; publications?: unknown } | null;
  const isEntry = (one: Partial<Publication> | null) =>
    isReleaseId(one?.releaseId ?? '') &&
    Number.isSafeInteger(one?.atMs) &&
    Array.isArray(one?.targets) &&
    ['begun', 'done', 'withdrawn'].includes(one?.state ?? '') &&
    typeof one?.reason === 'string';
  if (log?.version !== 1 || !Array.isArray(log.publications) || !log.publications.every(isEntry)) {
    throw new FormatError(`${file}: not a log of publications of version 1; ${LOG_WAY_OUT}`);
  }
  return log.publications as Publication[];
}

function parsed(bytes: Uint8Array, file: string, wayOut: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new FormatError(`${file}: ${messageOf(error)}; ${wayOut}`);
  }
}
