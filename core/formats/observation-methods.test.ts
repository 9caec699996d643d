import { expect, test } from 'vitest';
import { FormatError } from '../errors.ts';
import { methodNumber } from '../observations.ts';
import { decodeObservations, emptyObservations, encodeObservations } from './observations-file.ts';
import { columnBytes, packCompressed } from './packed.ts';

const FILE = 'm.http.msgpack';
const nameIn = ({ method, methods }: ReturnType<typeof decodeObservations>, id: number) =>
  methods[method[id] as number];

/** A file as it was before it named its methods. */
function earlierFile(numbers: readonly number[]): Buffer {
  const found = emptyObservations('m.http', 'http://m/', numbers.length, 0);
  found.method.set(numbers);
  const { accessPointId, url, liveness, cost, vantages, failures } = found;
  const { outcome, sizeBytes, evidenceAtS, method, ownCheckAtS, failedAtS, failedTimes, failure } = found;
  const columns = { outcome, sizeBytes, evidenceAtS, method, ownCheckAtS, failedAtS, failedTimes, failure };
  return packCompressed('redirector/observations', 1, {
    ...{ count: numbers.length, accessPointId, url, liveness, cost, vantages, failures },
    ...Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, columnBytes(column)])),
  });
}

test('a file carries the names of the methods that its column tells of', () => {
  const found = emptyObservations('m.http', 'http://m/', 3, 0);
  found.method[1] = methodNumber(found.methods, 'by-telephone');
  const read = decodeObservations(encodeObservations(found), 4, FILE);
  expect(read.methods).toEqual(['none', 'by-telephone']);
  expect([0, 1, 2, 3].map((id) => nameIn(read, id))).toEqual(['none', 'by-telephone', 'none', 'none']);
});

test('a file without them is read by the names of its time, and new ones come behind these', () => {
  const read = decodeObservations(earlierFile([0, 1, 2, 3, 4, 5, 6, 7, 8]), 10, FILE);
  expect(Array.from(read.method, (_, id) => nameIn(read, id))).toEqual([
    ...['none', 'http-head', 'rsync', 'rsync+sample', 'http-listing', 'http-listing+sample', 'ftp', 'ftp+sample'],
    ...['sftp', 'none'],
  ]);
  expect([methodNumber(read.methods, 'rsync'), methodNumber(read.methods, 'by-telephone')]).toEqual([2, 9]);
  const again = decodeObservations(encodeObservations(read), 10, FILE);
  expect(nameIn(again, 3)).toBe('rsync+sample');
});

test('a table of no names is no file, and a full one takes no more', () => {
  const found = emptyObservations('m.http', 'http://m/', 1, 0);
  found.methods.push(1 as unknown as string);
  expect(() => decodeObservations(encodeObservations(found), 1, FILE)).toThrow(FormatError);
  const full = Array.from({ length: 256 }, (_, i) => `method ${i}`);
  expect(methodNumber(full, 'method 255')).toBe(255);
  expect(() => methodNumber(full, 'one more')).toThrow(RangeError);
});
