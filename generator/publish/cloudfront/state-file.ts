import { messageOf } from '../../../core/errors.ts';
import { PackedReader, packCompressed } from '../../../core/formats/packed.ts';
import { readFileOrNull, writeFileAtomic } from '../../../core/node/atomic-file.ts';

/** What a store was seen to hold, and at which version. */
export interface KnownState {
  readonly arn: string;
  /** The keys count only while the store is at this version. */
  readonly etag: string;
  readonly keys: ReadonlyMap<string, string>;
  /** When keys were last put; the store's last change of any kind where it was listed. */
  readonly writtenAtMs: number;
  /** By key that nobody wants any more: since when, as far as is known. */
  readonly unwantedSinceMs: ReadonlyMap<string, number>;
}

const FORMAT = 'redirector/store-state';
const VERSION = 1;

/** Reads what the last publication left; null where there is nothing of use, which costs a listing of the store. */
export function readState(file: string, note: (line: string) => void): KnownState | null {
  try {
    const bytes = readFileOrNull(file);
    if (bytes === null) return null;
    const reader = new PackedReader(bytes, FORMAT, VERSION, file);
    const names = reader.lines('keys');
    const values = reader.strings('values');
    return {
      arn: reader.string('arn'),
      etag: reader.string('etag'),
      keys: new Map(names.map((name, i) => [name, values[i] ?? ''])),
      writtenAtMs: reader.number('writtenAtMs'),
      unwantedSinceMs: new Map(Object.entries(reader.value<Record<string, number>>('unwantedSinceMs'))),
    };
  } catch (error) {
    note(`${messageOf(error)}; the store is listed instead`);
    return null;
  }
}

export function writeState(file: string, { arn, etag, keys, writtenAtMs, unwantedSinceMs }: KnownState): void {
  const body = {
    arn,
    etag,
    writtenAtMs,
    keys: [...keys.keys()].join('\n'),
    values: [...keys.values()],
    unwantedSinceMs: Object.fromEntries(unwantedSinceMs),
  };
  writeFileAtomic(file, packCompressed(FORMAT, VERSION, body));
}
