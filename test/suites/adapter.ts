import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestPath } from '../../core/inventory.ts';
import { type Answer, answerOf } from '../../edge-shim/answer.ts';
import { decide, type Tables } from '../../edge-shim/decide.ts';
import { readRequest } from '../../edge-shim/request.ts';
import { evidenceOf, FALLBACK, inventoryOf, mapsOf, mirrorsIn } from '../small-build.ts';

/** A viewer's request, as every platform knows it. */
export interface AdapterRequest {
  readonly method: string;
  /** As it is sent. */
  readonly path: string;
  /** Name and value as they are sent. */
  readonly query: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly country: string;
  readonly subdivision: string;
  readonly scheme: 'https' | 'http';
}

/** An adapter over a build. */
export interface RunningAdapter {
  /** The answer, with the headers that the core sets (names in lower case) and any others. */
  ask(request: AdapterRequest): Promise<Omit<Answer, 'description'>>;
  close(): Promise<void>;
}

export interface AdapterUnderTest {
  readonly name: string;
  /** Starts over keys in their import form. */
  start(keys: string, fallback: string): Promise<RunningAdapter>;
  /** Whether the platform tells the viewer's place and scheme, and passes on every path as it was sent. */
  readonly tellsPlace: boolean;
  readonly passesAnyPath: boolean;
}

const names = [
  '',
  'distfiles/',
  'distfiles/ab/',
  ...Array.from({ length: 60 }, (_, i) => `distfiles/ab/pkg-${i}%252F%2B%23.zip`),
];
// Flat names, whose links the mirrors of two countries lack.
const flat = names.length;
for (let i = 0; i < 12; i++)
  names.push(`distfiles/c${i % 10}/flat-${i}.zip`, `distfiles/flat-${i}.zip -> c${i % 10}/flat-${i}.zip`);
const inventory = inventoryOf(names);
const isLink = (id: number) => id >= flat && (id - flat) % 2 === 1;
const evidence = mirrorsIn(['DE', 'US', 'JP', 'BR'], names.length, (n) => {
  return { holds: (id) => (id + n) % 4 !== 0 && !(n % 2 === 0 && isLink(id)), ipv6: n === 1 };
});
const NETWORKS = ['100.64.4.0/22', '2001:db8:77::/48'];
evidence.push(
  ...mirrorsIn(['DE'], names.length, () => {
    return { host: 'own.example.org', holds: () => true, ipv6: true, networks: NETWORKS };
  }),
);
evidence.push(
  evidenceOf(names.length, {
    host: 'six.example.org',
    country: 'DE',
    protocol: 'https',
    holds: () => true,
    ipv4: false,
    ipv6: true,
  }),
);
/** The build that adapters are started over. */
export const adapterKeys = new Map(mapsOf(inventory, evidence, null, Date.now()).keys);
export const importForm = JSON.stringify({ data: [...adapterKeys].map(([key, value]) => ({ key, value })) });

const plain: AdapterRequest = {
  method: 'GET',
  path: '/distfiles/ab/pkg-7%252F%2B%23.zip',
  query: {},
  ip: '192.0.2.1',
  country: 'DE',
  subdivision: '',
  scheme: 'https',
};
const ordinary: readonly AdapterRequest[] = [
  ...names.map((_, id) => ({ ...plain, path: `/${requestPath(inventory, id)}` })),
  ...['US', 'JP', 'BR', 'ZA', 'XX', ''].map((country) => ({ ...plain, country })),
  { ...plain, country: 'US', subdivision: 'WA' },
  { ...plain, scheme: 'http' as const },
  { ...plain, ip: '2001:db8:12:3400::7' },
  ...['100.64.4.1', '100.64.7.255', '100.64.8.1', '2001:db8:77:ff00::1', '2001:db8:78::1'].flatMap((ip) =>
    [{}, { mirrorlist: 'json' }, { country: 'JP' }].map((query) => ({ ...plain, ip, query })),
  ),
  { ...plain, method: 'HEAD' },
  { ...plain, method: 'POST' },
  { ...plain, path: '/distfiles' },
  { ...plain, path: '/distfiles/ab/pkg-7%252f+%23.zip' },
  { ...plain, path: '/no/such&name' },
  ...[
    { mirrorlist: '' },
    { mirrorlist: 'json' },
    { meta4: '' },
    { country: 'JP' },
    { country: 'us-wa', mirrorlist: '' },
  ].map((query) => ({ ...plain, query })),
  { ...plain, path: '/no/such', query: { mirrorlist: 'json' } },
  { ...plain, query: { other: '%zz', mirrorlist: '' }, method: 'HEAD' },
];
const odd: readonly AdapterRequest[] = [
  '/%zz',
  '/../../x',
  '//evil.example/',
  '/a%00b',
  '/no/such/%00/name',
  `/${'a'.repeat(5000)}`,
].map((path) => ({
  ...plain,
  path,
}));

/** What the core answers, with nothing between. */
function expected(request: AdapterRequest, tellsPlace: boolean): Answer {
  const sha256 = (text: string) => createHash('sha256').update(text).digest();
  const read = readRequest(
    {
      method: request.method,
      uri: request.path,
      query: request.query,
      ip: request.ip,
      country: tellsPlace ? request.country : '',
      subdivision: tellsPlace ? request.subdivision : '',
      forwardedProto: tellsPlace ? request.scheme : '',
    },
    sha256,
  );
  const tables: Tables = {};
  for (;;) {
    const decision = decide(read, tables, Date.now() / 1000, FALLBACK);
    if (decision.kind !== 'need') return answerOf(decision, read, FALLBACK);
    tables[decision.key] = adapterKeys.get(decision.key) ?? null;
  }
}

const HEADERS = ['allow', 'cache-control', 'link', 'location', 'x-redirector'];

/** Same request, same answer: what every adapter has to do. */
export function adapterSuite(
  { name, start, tellsPlace, passesAnyPath }: AdapterUnderTest,
  scope: typeof describe | typeof describe.skip = describe,
): void {
  scope(name, () => {
    let adapter: RunningAdapter;
    beforeAll(async () => {
      adapter = await start(importForm, FALLBACK);
    });
    afterAll(() => adapter?.close());

    it('answers as the core does', async () => {
      for (const request of [...ordinary, ...(passesAnyPath ? odd : [])]) {
        const { status, headers, body } = expected(request, tellsPlace);
        const answer = await adapter.ask(request);
        expect(answer.status, request.path).toBe(status);
        // A server may give a type to the body that a redirect does not have.
        for (const header of status === 200 ? [...HEADERS, 'content-type'] : HEADERS) {
          expect(answer.headers[header], `${request.path} ${header}`).toBe(headers[header]);
        }
        if (request.method !== 'HEAD') expect(answer.body).toBe(body);
      }
    });

    it('gives a private mirror to its own networks alone', async () => {
      const hostFor = async (ip: string) =>
        new URL((await adapter.ask({ ...plain, ip })).headers['location'] as string).host;
      for (const ip of ['100.64.4.1', '100.64.7.9', '2001:db8:77:1::7']) {
        expect(await hostFor(ip), ip).toBe('own.example.org');
      }
      for (const ip of ['100.64.8.1', '2001:db8:7::1']) expect(await hostFor(ip), ip).not.toBe('own.example.org');
    });

    it('refuses or redirects what is no path, and never leads anywhere else', async () => {
      for (const request of odd) {
        const { status, headers } = await adapter.ask(request);
        expect([302, 400, 404, 414]).toContain(status);
        if (status === 302) expect(headers['location']).toMatch(/^https:\/\/[a-z]+\.example\.org\//);
      }
    });

    it('answers a flat name with the file that its link leads to, where a mirror has that alone', async () => {
      const { headers } = await adapter.ask({ ...plain, path: '/distfiles/flat-1.zip', ip: '198.51.100.1' });
      expect(headers['location']).toMatch(/^https:\/\/[a-z]+\.example\.org\/gentoo\/distfiles\/(c1\/)?flat-1\.zip$/);
      const { body } = await adapter.ask({ ...plain, path: '/distfiles/flat-1.zip', query: { mirrorlist: '' } });
      expect(body).toContain('://de.example.org/gentoo/distfiles/c1/flat-1.zip\n');
      expect(body).toContain('://us.example.org/gentoo/distfiles/flat-1.zip\n');
    });
  });
}
