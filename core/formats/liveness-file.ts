import { FormatError, messageOf } from '../errors.ts';
import type { ProbeRecord } from '../liveness.ts';

const WAY_OUT = 'remove it and run "redirector probe"';

/** What the last probes found, access point by access point. */
export interface LivenessFile {
  readonly version: 1;
  /** Whose probes they are; missing where no vantage was told, and where several were folded. */
  readonly vantage?: string;
  /** When the last of them ended. */
  readonly probedAtMs: number;
  readonly accessPoints: readonly ProbeRecord[];
}

/** `output/liveness.json`, and of one vantage `output/liveness/<vantage>.json` (docs/formats.md). */
export function encodeLiveness(file: LivenessFile): string {
  return `${JSON.stringify(file)}\n`;
}

/** Throws FormatError where the text is not a liveness file of this version; `file` is named in its message. */
export function decodeLiveness(text: string, file: string): LivenessFile {
  let read: Partial<LivenessFile>;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${file}: ${messageOf(error)}; ${WAY_OUT}`);
  }
  if (read?.version !== 1 || !Array.isArray(read.accessPoints) || !read.accessPoints.every(isRecord)) {
    throw new FormatError(`${file}: not a liveness file of version 1; ${WAY_OUT}`);
  }
  if (read.vantage !== undefined && typeof read.vantage !== 'string') {
    throw new FormatError(`${file}: its vantage has no name; ${WAY_OUT}`);
  }
  return read as LivenessFile;
}

function isRecord(record: Partial<ProbeRecord> | null): boolean {
  return (
    isReport(record) &&
    (record?.vantages === undefined ||
      (typeof record.vantages === 'object' &&
        record.vantages !== null &&
        Object.values(record.vantages).every(isReport)))
  );
}

function isReport(record: Partial<ProbeRecord> | null): boolean {
  return (
    typeof record?.accessPointId === 'string' &&
    typeof record.url === 'string' &&
    /^(up|failing|down)$/.test(record.liveness?.state ?? '') &&
    typeof record.liveness?.checkedAtS === 'number' &&
    typeof record.liveness.sinceS === 'number' &&
    typeof record.liveness.reason === 'string' &&
    typeof record.cost?.startedAtS === 'number' &&
    Array.isArray(record.warnings) &&
    Array.isArray(record.knownObjects) &&
    Array.isArray(record.history)
  );
}
