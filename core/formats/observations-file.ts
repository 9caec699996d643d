import { FormatError } from '../errors.ts';
import { type CheckCost, type Liveness, NO_METHOD, type Observations, type VantageReport } from '../observations.ts';
import { type ColumnArray, columnBytes, PackedReader, packCompressed } from './packed.ts';

const FORMAT = 'redirector/observations';
const VERSION = 1;
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
  return packCompressed(FORMAT, VERSION, {
    count: observations.outcome.length,
    accessPointId: observations.accessPointId,
    url: observations.url,
    liveness: observations.liveness,
    cost: observations.cost,
    vantages: observations.vantages,
    failures: observations.failures,
    methods: observations.methods,
    outcome: columnBytes(observations.outcome),
    sizeBytes: columnBytes(observations.sizeBytes),
    evidenceAtS: columnBytes(observations.evidenceAtS),
    method: columnBytes(observations.method),
    ownCheckAtS: columnBytes(observations.ownCheckAtS),
    failedAtS: columnBytes(observations.failedAtS),
    failedTimes: columnBytes(observations.failedTimes),
    failure: columnBytes(observations.failure),
  });
}

function grown<T extends ColumnArray>(column: T, length: number, type: new (length: number) => T, fill: number): T {
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
  const reader = new PackedReader(bytes, FORMAT, VERSION, file);
  const count = reader.number('count');
  if (count > objectCount) {
    throw new FormatError(
      `${file}: ${count} objects where the inventory has ${objectCount}; it belongs to another inventory: remove it`,
    );
  }
  // Files of earlier releases have none: what failed is asked for at once.
  const failedTimes = reader.has('failedTimes')
    ? reader.column('failedTimes', Uint8Array, count)
    : new Uint8Array(count);
  return {
    accessPointId: reader.string('accessPointId'),
    url: reader.string('url'),
    liveness: reader.value<Liveness>('liveness'),
    cost: reader.value<CheckCost>('cost'),
    vantages: reader.value<Record<string, VantageReport>>('vantages'),
    failures: reader.strings('failures'),
    methods: reader.has('methods') ? reader.strings('methods') : [...EARLIER_METHODS],
    outcome: grown(reader.column('outcome', Uint8Array, count), objectCount, Uint8Array, 0),
    sizeBytes: grown(reader.column('sizeBytes', Float64Array, count), objectCount, Float64Array, -1),
    evidenceAtS: grown(reader.column('evidenceAtS', Uint32Array, count), objectCount, Uint32Array, 0),
    method: grown(reader.column('method', Uint8Array, count), objectCount, Uint8Array, 0),
    ownCheckAtS: grown(reader.column('ownCheckAtS', Uint32Array, count), objectCount, Uint32Array, 0),
    failedAtS: grown(reader.column('failedAtS', Uint32Array, count), objectCount, Uint32Array, 0),
    failedTimes: grown(failedTimes, objectCount, Uint8Array, 0),
    failure: grown(reader.column('failure', Uint8Array, count), objectCount, Uint8Array, 0),
  };
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
