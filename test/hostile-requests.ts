import { META_KEY } from '../core/edge-keys.ts';
import type { FunctionEvent, FunctionResponse } from '../core/function-event.ts';
import { canonicalRequestPath } from '../core/path.ts';
import { evidenceOf, inventoryOf, mapsOf } from './small-build.ts';
import { seeded } from './synthetic.ts';

/** Over http, so that https viewers need another. */
export const FALLBACK = 'http://fallback.example.org/';

const lines = [
  '',
  'distfiles/',
  ...Array.from({ length: 200 }, (_, i) => `distfiles/ab/pkg-${i}%252F%2B.tar.xz`),
  ...Array.from({ length: 50 }, (_, i) => [
    `distfiles/c${i % 10}/flat-${i}`,
    `distfiles/flat-${i} -> c${i % 10}/flat-${i}`,
  ]).flat(),
];
const names = lines.map((line) => line.split(' -> ')[0] as string);
const inventory = inventoryOf(lines);
/** What the links lead to, by their paths. */
const targets = new Map(
  lines.flatMap((line, id) => (line.includes(' -> ') ? [[names[id], names[id - 1]] as const] : [])),
);
const hosts = ['de', 'us', 'jp', 'ru', 'fr'].map((country) => `${country}.example.org`);
/** The last of them serves these alone. */
export const PRIVATE_HOST = 'fr.example.org';
const NETWORKS = ['192.0.2.0/24', '2001:db8:77::/48'];
const maps = mapsOf(
  inventory,
  hosts.flatMap((host, n) =>
    (['https', 'http'] as const).map((protocol) =>
      evidenceOf(names.length, {
        host,
        country: host.slice(0, 2).toUpperCase(),
        protocol,
        holds: (id) => (id + n) % 3 !== 0 && !(n < 2 && targets.has(names[id])),
        ipv6: n % 2 === 0,
        ...(host === PRIVATE_HOST ? { networks: NETWORKS } : {}),
      }),
    ),
  ),
);
const INSIDE = ['192.0.2.7', '2001:db8:77:1::9', '2001:0DB8:0077::'];
export const store = new Map(maps.keys);
const storeKeys = [...store.keys()];

const HOSTILE = [
  '\r\n', '\r\nLocation: http://evil.example/', '\0', '%00', '%0d%0a', '%', '%zz', '%2e%2e', '..', '.', '//', '\\', '\\..\\', ';', '?', '#', '&',
  '=', '<script>', '"', "'", '`', `\${x}`, '{{x}}', ' ', '\t', '+', '%2B', '%2b', '~', '%7E', '@evil.example', 'http://evil.example',
  'javascript:', '\u202e', '\ufeff', '日本', '😀', '\ud800', '%ff', '%C3%28', '__proto__', 'constructor', 'toString', '-'.repeat(300),
  'a'.repeat(5000), '/'.repeat(100), '%2F', '%5C', '*', '|', '\x7f', '\x80', 'null', 'undefined', '0', '-1', '1e999', 'NaN',
]; // biome-ignore format: a list

/** Made-up requests and stores, the same for the same seed. */
export class Fuzzer {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  one<T>(some: readonly T[]): T {
    return some[this.below(some.length)] as T;
  }

  noise(): string {
    if (this.chance(0.5)) return this.one(HOSTILE);
    return Array.from({ length: this.below(20) }, () =>
      String.fromCharCode(this.below(this.chance(0.9) ? 128 : 65_536)),
    ).join('');
  }

  /** One of the tree's names, spelt or spoilt in some way, or nothing of the kind. */
  uri(): string {
    const name = `/${this.one(names)}`;
    const at = this.below(name.length);
    switch (this.below(6)) {
      case 0:
        return name;
      case 1:
        return name.slice(0, at) + this.noise() + name.slice(at);
      case 2:
        return name.slice(0, at);
      case 3:
        return `/${this.noise()}/${this.noise()}`;
      case 4:
        return name.replace(/[a-z]/g, (letter) =>
          this.chance(0.3) ? `%${letter.charCodeAt(0).toString(16)}` : letter,
        );
      default:
        return this.noise();
    }
  }

  event(): FunctionEvent {
    const valued = (some: readonly (readonly [string, string])[]) =>
      Object.fromEntries(some.filter(() => this.chance(0.8)).map(([name, value]) => [name, { value }]));
    const place = () =>
      this.chance(0.7) ? this.one(['DE', 'US', 'JP', 'RU', 'BR', 'ZA', 'XX', 'US-WA']) : this.noise();
    return {
      version: '1.0',
      context: { eventType: 'viewer-request' },
      viewer: {
        ip: this.chance(0.5)
          ? this.one(INSIDE)
          : this.one(['192.0.20.7', '2001:db8::1', '::', '', '1.2.3.4.5', this.noise()]),
      },
      request: {
        method: this.chance(0.9) ? this.one(['GET', 'HEAD']) : this.one(['POST', 'get', '', this.noise()]),
        uri: this.uri(),
        querystring: this.chance(0.5)
          ? {}
          : valued([
              ['country', place()],
              [this.one(['mirrorlist', 'meta4', 'x']), this.one(['', 'json', this.noise()])],
              [this.noise(), this.noise()],
            ]),
        headers: valued([
          ['cloudfront-viewer-country', place()],
          ['cloudfront-viewer-country-region', this.one(['', 'WA', 'MOW', this.noise()])],
          ['cloudfront-forwarded-proto', this.one(['https', 'https', 'http', 'HTTP', this.noise()])],
          [this.noise(), this.noise()],
        ]),
        cookies: {},
      },
    };
  }

  /** The store, or one in which some values are torn, swapped, gone or noise. */
  store(): ReadonlyMap<string, string> {
    if (this.chance(0.5)) return store;
    const torn = new Map(store);
    const keys = this.chance(0.3) ? [META_KEY] : storeKeys.filter(() => this.chance(0.3));
    for (const key of keys) {
      const value = store.get(key) as string;
      switch (this.below(5)) {
        case 0:
          torn.delete(key);
          break;
        case 1:
          torn.set(key, value.slice(0, this.below(value.length + 1)));
          break;
        case 2:
          torn.set(key, store.get(this.one(storeKeys)) as string);
          break;
        case 3:
          torn.set(key, this.noise());
          break;
        default:
          torn.set(key, value.slice(this.below(value.length)));
      }
    }
    return torn;
  }
}

const URL_ROOT = new RegExp(`^https?://((${hosts.join('|')})/g(e(n(t(oo?)?)?)?)?/|fallback\\.example\\.org/)`);

/** What is wrong with an answer; '' = nothing. Where values stand under other keys, networks are mixed up too. */
export function faultOf(event: FunctionEvent, answer: FunctionResponse, isTorn: boolean): string {
  const { statusCode, headers, body } = answer;
  if (![200, 302, 400, 405].includes(statusCode)) return `status ${statusCode}`;
  for (const [name, { value }] of Object.entries(headers)) {
    if (!/^[\x20-\x7e]*$/.test(value)) return `${name} holds what no header may`;
  }
  const link = headers['link']?.value ?? '';
  if (link.length > 300) return 'link is too long';
  const location = headers['location']?.value;
  if ((statusCode === 302) !== (location !== undefined)) return 'location and status disagree';
  const linked = [...link.matchAll(/<([^>]*)>/g)].map(([, url]) => url as string);
  const listed = body === undefined ? [] : listedIn(body, headers['content-type']?.value ?? '');
  const isHttps = event.request.headers['cloudfront-forwarded-proto']?.value !== 'http';
  const path = canonicalRequestPath(event.request.uri);
  for (const url of [...(location === undefined ? [] : [location]), ...linked, ...listed]) {
    if (!URL_ROOT.test(url)) return `leads to ${url}`;
    if (url.includes(PRIVATE_HOST) && !INSIDE.includes(event.viewer.ip) && !isTorn) return `sends a stranger to ${url}`;
    if (isHttps && !url.startsWith('https:')) return `leads an https viewer to ${url}`;
    const named = [`/${path}`, `/${path}/`, `/${targets.get(path ?? '') ?? path}`];
    if (path === null || !named.some((one) => url.endsWith(one))) return `${url} names other bytes`;
  }
  return '';
}

function listedIn(body: string, type: string): string[] {
  if (type === 'application/json') return JSON.parse(body).candidates.map(({ url }: { url: string }) => url);
  if (type === 'application/metalink4+xml')
    return [...body.matchAll(/<url[^>]*>([^<]*)<\/url>/g)].map(([, url]) => url as string);
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
