import { describe, expect, it } from 'vitest';
import { bucketKey, classKey, DEFAULT_REGION, META_KEY, tableKey } from './edge-keys.ts';
import { parseEdgeKey } from './key-kinds.ts';

describe('a key of the edge', () => {
  it.each(['DE', 'US-CA', 'BR-SP', DEFAULT_REGION, '10.*', '192.0.2.*', '20010db80001*', 'ab*'])(
    'is told to be the table of %s',
    (zone) => {
      for (const scheme of ['s', 'h']) {
        for (const shard of [0, 7]) {
          expect(parseEdgeKey(tableKey('3', zone, scheme, shard))).toEqual({ kind: 'table', epoch: '3', scheme, zone });
        }
      }
    },
  );

  it('is told to be a bucket, a list of holders or the pointer', () => {
    expect(parseEdgeKey(bucketKey('9', 1234))).toEqual({ kind: 'bucket', epoch: '9' });
    expect(parseEdgeKey(classKey('0', 'h', 511))).toEqual({ kind: 'holders', epoch: '0', scheme: 'h', classId: 511 });
    expect(parseEdgeKey(META_KEY)).toEqual({ kind: 'meta' });
  });

  it.each([
    '',
    '/blog/',
    'r0',
    'r0DE',
    'r0DEx0',
    'r0DEs',
    'r0de s0',
    'r0*s0',
    'c0s',
    'c0x1',
    '0',
    'metadata',
    'r0192.0.2.s0',
  ])('is not %j', (key) => expect(parseEdgeKey(key)).toBeNull());
});
