import { FormatError } from '../errors.ts';
import { type CheckCost, type Liveness, NO_METHOD, type Observations, type VantageReport } from '../observations.ts';
import { type ColumnArray, type ColumnType, CompressedColumn, PackedReader, packPieces } from './packed.ts';

const FORMAT = 'redirector/observations';
const VERSION = 2;
/** The whole file is compressed, not each of its columns. */
const COMPRESSED_AS_A_WHOLE = 1;
/** The names behind the numbers of files that carry none themselves. */
const EARLIER_METHODS = [
  NO_METHOD,
  'http-head',
  'rsync',
  'rsync+sample',
  'http-listing',
  'http-listing+sample',
  'ftp',
  'ftp+sample',
  'sftp',
];

/** `output/observations/<access point>.msgpack` (docs/formats.md). */
export function encodeObservations(observations: Observations): Buffer {
  return Buffer.concat([...observationPieces(observations)]);
}

/** As `encodeObservations`, as `packPieces` has it. */
export function observationPieces(observations: Observations): Iterable<Uint8Array> {
  return packPieces(FORMAT, VERSION, {
    count: observations.outcome.length,
    accessPointId: observations.accessPointId,
    url: observations.url,
    liveness: observations.liveness,
    cost: observations.cost,
    vantages: observations.vantages,
    failures: observations.failures,
    methods: observations.methods,
    outcome: new CompressedColumn(observations.outcome),
    sizeBytes: new CompressedColumn(observations.sizeBytes),
    evidenceAtS: new CompressedColumn(observations.evidenceAtS),
    method: new CompressedColumn(observations.method),
    ownCheckAtS: new CompressedColumn(observations.ownCheckAtS),
    failedAtS: new CompressedColumn(observations.failedAtS),
    failedTimes: new CompressedColumn(observations.failedTimes),
    failure: new CompressedColumn(observations.failure),
  });
}

type SizedColumnType<T extends ColumnArray> = ColumnType<T> & (new (length: number) => T);

function grown<T extends ColumnArray>(column: T, length: number, type: SizedColumnType<T>, fill: number): T {
  if (column.length === length) return column;
  const longer = new type(length);
  longer.set(column as never);
  longer.fill(fill as never, column.length);
  return longer;
}

/**
 * Reads the columns and makes them `objectCount` long: the inventory may have grown since they were written.
 * Throws FormatError where the bytes are not a whole file or know more objects than the inventory.
 */
export function decodeObservations(bytes: Uint8Array, objectCount: number, file: string): Observations {
  const reader = new PackedReader(bytes, FORMAT, [VERSION, COMPRESSED_AS_A_WHOLE], file);
  const count = reader.number('count');
  if (count > objectCount) {
    throw new FormatError(
      `${file}: ${count} objects where the inventory has ${objectCount}; it belongs to another inventory: remove it`,
    );
  }
  const column = <T extends ColumnArray>(key: string, type: SizedColumnType<T>, fill = 0): T => {
    const isWhole = reader.version === COMPRESSED_AS_A_WHOLE;
    const read = isWhole ? reader.column(key, type, count) : reader.compressedColumn(key, type, count);
    return grown(read, objectCount, type, fill);
  };
  return {
    accessPointId: reader.string('accessPointId'),
    url: reader.string('url'),
    liveness: reader.value<Liveness>('liveness'),
    cost: reader.value<CheckCost>('cost'),
    vantages: reader.value<Record<string, VantageReport>>('vantages'),
    failures: reader.strings('failures'),
    methods: reader.has('methods') ? reader.strings('methods') : [...EARLIER_METHODS],
    outcome: column('outcome', Uint8Array),
    sizeBytes: column('sizeBytes', Float64Array, -1),
    evidenceAtS: column('evidenceAtS', Uint32Array),
    method: column('method', Uint8Array),
    ownCheckAtS: column('ownCheckAtS', Uint32Array),
    failedAtS: column('failedAtS', Uint32Array),
    // Files of earlier releases have none: what failed is asked for at once.
    failedTimes: reader.has('failedTimes') ? column('failedTimes', Uint8Array) : new Uint8Array(objectCount),
    failure: column('failure', Uint8Array),
  };
}

/** Throws FormatError where the bytes are no whole file of a version that is read, whatever its columns hold. */
export function throwUnlessObservations(bytes: Uint8Array, file: string): void {
  new PackedReader(bytes, FORMAT, [VERSION, COMPRESSED_AS_A_WHOLE], file).number('count');
}

/** Columns that know nothing yet. */
export function emptyObservations(accessPointId: string, url: string, objectCount: number, nowS: number): Observations {
  return {
    accessPointId,
    url,
    liveness: { state: 'failing', sinceS: nowS, checkedAtS: 0, reason: 'not checked yet' },
    cost: { startedAtS: 0, elapsedMs: 0, requests: 0, connections: 0 },
    vantages: {},
    failures: [],
    methods: [NO_METHOD],
    outcome: new Uint8Array(objectCount),
    sizeBytes: new Float64Array(objectCount).fill(-1),
    evidenceAtS: new Uint32Array(objectCount),
    method: new Uint8Array(objectCount),
    ownCheckAtS: new Uint32Array(objectCount),
    failedAtS: new Uint32Array(objectCount),
    failedTimes: new Uint8Array(objectCount),
    failure: new Uint8Array(objectCount),
  };
}
