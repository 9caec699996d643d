import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { Mirror } from '../../core/mirror.ts';
import { keep } from '../../test/keep.ts';
import type { Method } from '../methods/contract.ts';
import { ftp } from '../methods/ftp.ts';
import { httpHead } from '../methods/http-head.ts';
import { httpListing } from '../methods/http-listing.ts';
import { rsync } from '../methods/rsync.ts';
import { sftp } from '../methods/sftp.ts';
import { collect } from '../testing/collect.ts';
import { testInventory } from '../testing/inventory.ts';
import { DEFAULT_LIMITS, HostBudget, HostBudgets } from './host-budget.ts';
import { type Allowed, allowedFor, privateUrls } from './reach.ts';

const INVENTORY = testInventory([{ path: '' }, { path: 'f', sizeBytes: 5 }]);
const ENTRY = { login: { user: 'u', hostKeySha256: 'x' }, sftpKey: 'none' };
const PUBLIC: Allowed = new Set(['public']);

/** Says nothing, and keeps what it is sent. */
async function listener() {
  const sent: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('data', (chunk) => sent.push(chunk)).on('error', () => {});
    setTimeout(() => socket.destroy(), 100);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => void server.close() });
  return { port: (server.address() as AddressInfo).port, sent };
}

test.each<[string, Method]>([
  ['http', httpHead],
  ['http', httpListing],
  ['ftp', ftp],
  ['rsync', rsync],
  ['sftp', sftp],
])(
  'over %s a name that leads to an address that is not public is refused, and told nothing (%#)',
  async (protocol, method) => {
    const { port, sent } = await listener();
    const check = (allowed: Allowed, host = 'localhost') =>
      collect(method, INVENTORY, `${protocol}://${host}:${port}/tree/`, {
        budget: new HostBudget(DEFAULT_LIMITS, undefined, null, allowed),
        ...{ timeoutMs: 400, secondTryAfterMs: 10, entry: ENTRY },
      });
    const { report, results } = await check(PUBLIC);
    const reason = expect.stringMatching(/^its name resolves to (127\.0\.0\.1|::1), a loopback address$/);
    expect(report).toMatchObject({ ended: 'unusable', reason });
    expect(results['f']).toEqual(expect.stringMatching(/^failed: its name resolves to/));
    expect(sent).toHaveLength(0);
    // What the mirror list says itself is meant so.
    for (const { report } of [await check(PUBLIC, '127.0.0.1'), await check(null)]) {
      expect(report.reason).not.toContain('its name resolves');
    }
  },
);

test('names may lead to public addresses alone, but for those of this machine and of networks of their own', () => {
  const of = (url: string) => allowedFor(url, false);
  expect(of('https://mirror.example.org/')).toEqual(new Set(['public']));
  expect(of('rsync://mirror.localhost/tree/')).toEqual(new Set(['public', 'loopback']));
  expect(allowedFor('https://mirror.example.org/', true)).toBe(null);
  const mirror = (url: string, networks?: readonly string[]) =>
    ({ accessPoints: [{ url }], ...(networks === undefined ? {} : { networks }) }) as unknown as Mirror;
  const urls = privateUrls([mirror('https://a.example/'), mirror('https://b.example/x/', ['10.0.0.0/8'])]);
  expect(urls).toEqual(['https://b.example/x/']);
  const hosts = new HostBudgets(DEFAULT_LIMITS, new Map(), Date.now, urls);
  expect([hosts.of('rsync://b.example/y/').allowed, hosts.of('https://a.example/').allowed]).toEqual([null, PUBLIC]);
});
