import { expect, test } from 'vitest';
import { inventoryOf } from '../../test/small-build.ts';
import { FormatError, RunError } from '../errors.ts';
import { outputLayout } from '../output-layout.ts';
import { encodeInventory } from './inventory-file.ts';
import { emptyObservations, encodeObservations } from './observations-file.ts';
import { pack } from './packed.ts';
import { throwUnlessStateFile } from './state-file.ts';

const inventory = encodeInventory(inventoryOf(['a', 'b']));
const observations = encodeObservations(emptyObservations('a.http', 'http://a.org/', 2, 1));
const WHOLE: [string, Buffer][] = [
  [outputLayout.inventory(''), inventory],
  [outputLayout.observations('', 'a.http'), observations],
  [outputLayout.observations('', 'a.http', 'eu'), observations],
  [outputLayout.hosts('', 'eu'), Buffer.from('{"version":1,"hosts":[]}')],
  [outputLayout.liveness(''), Buffer.from('{"version":1,"probedAtMs":0,"accessPoints":[]}')],
  [outputLayout.history('', 'a.http', 'eu'), Buffer.from('{"version":1,"accessPointId":"a.http","days":[]}')],
];

test.each(WHOLE)('%s is read whole, and not torn', (path, bytes) => {
  expect(() => throwUnlessStateFile(path, bytes, path)).not.toThrow();
  for (const length of [0, 5, bytes.length >> 1, bytes.length - 1])
    expect(() => throwUnlessStateFile(path, bytes.subarray(0, length), path), `${length}`).toThrow(FormatError);
});

test.each([
  outputLayout.mirrors(''),
  outputLayout.masterFiles(''),
  outputLayout.objectTable(''),
  outputLayout.hosts(''),
  outputLayout.liveness('', 'eu'),
])('%s of junk is none', (path) => {
  for (const junk of ['', 'junk', '{}', '[]', 'null', '"']) {
    expect(() => throwUnlessStateFile(path, Buffer.from(junk), `store: ${path}`), junk).toThrow(FormatError);
    expect(() => throwUnlessStateFile(path, Buffer.from(junk), `store: ${path}`), junk).toThrow(`store: ${path}`);
  }
});

test('what a newer release wrote is none of ours, and the message says so', () => {
  const newer = pack('redirector/inventory', 99, {});
  expect(() => throwUnlessStateFile(outputLayout.inventory(''), newer, 'x')).toThrow(RunError);
});
