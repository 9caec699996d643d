import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BuiltFunction } from '../core/function-event.ts';
import { isDirectoryLike, type LoadedInventory, ObjectType } from '../core/inventory.ts';
import { LAYOUT_PATH, STAMP_PATH } from '../core/master-files.ts';
import { readLeader } from '../core/node/leader-files.ts';
import { outputLayout } from '../core/output-layout.ts';
import { pathToBytes } from '../core/path-bytes.ts';
import { plantTree } from '../demo/tree.ts';
import { loadBuiltFunction, parseKeys } from '../edge-shim/built-function.ts';
import { requires } from './debian-packages.ts';
import { headAll } from './head-all.ts';
import { mirrorListXml } from './mirror-list.ts';
import { type Nginx, startNginx } from './servers/nginx.ts';
import { type Rsyncd, startRsyncd } from './servers/rsyncd.ts';
import { makeSubsets, type SubsetRule, type TreeObject } from './subset.ts';

const run = promisify(execFile);
const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const FALLBACK = 'https://fallback.example.org/';
const COUNTRIES = ['DE', 'FR', 'JP', 'US', 'BR'];
const MINUTES = 60_000;

/** A number from 0 to 99 that looks drawn by lot, the same for a path in every run. */
function lot(path: string, salt: number): number {
  let h = salt;
  for (let i = 0; i < path.length; i++) h = Math.imul(h ^ path.charCodeAt(i), 0x01000193);
  return ((h ^ (h >>> 15)) >>> 0) % 100;
}

/** One file in a hundred is nowhere; of the rest each mirror lacks some, in its own way. */
const nowhere = ({ path }: TreeObject) => lot(path, 1) === 0;
const isDistfile = ({ path }: TreeObject) => path.startsWith('distfiles/');
const MASTER_FILES: ReadonlySet<string> = new Set([STAMP_PATH, LAYOUT_PATH]);
const RULES: readonly SubsetRule[] = [
  { name: 'nearly-all', isMissing: (file) => nowhere(file) || lot(file.path, 2) < 2 },
  { name: 'stale', isMissing: (file) => nowhere(file) || lot(file.path, 3) < 15 },
  { name: 'distfiles-only', isMissing: (file) => nowhere(file) || !isDistfile(file) },
  { name: 'half', isMissing: (file) => nowhere(file) || lot(file.path, 4) < 50 },
  {
    name: 'other-sizes',
    isMissing: nowhere,
    // A probe finds a mirror down whose stamp or layout is not the master's.
    otherSizeBytes: ({ path, sizeBytes }) => (lot(path, 5) < 30 && !MASTER_FILES.has(path) ? sizeBytes + 1 : null),
  },
];

interface Point {
  readonly url: string;
  readonly folder: string;
  readonly country: string;
  readonly mirror: string;
}

requires(
  'nginx',
  'rsync',
  'openssl',
)('the whole job over real servers', () => {
  const work = mkdtempSync(join(tmpdir(), 'redirector-e2e-'));
  const output = join(work, 'output');
  const closers: (() => Promise<void>)[] = [];
  let nginx: Nginx;
  let rsyncd: Rsyncd;
  let points: Point[];
  let inventory: LoadedInventory;
  let edge: BuiltFunction;

  beforeAll(async () => {
    const given = process.env['REDIRECTOR_TREE'] ?? '';
    const tree = given === '' ? plantTree(join(work, 'tree'), { objects: 5_000, seed: 7 }).folder : given;
    const { subsets } = await makeSubsets(tree, join(work, 'mirrors'), RULES);
    const [all, stale, distfiles, half, sizes] = subsets.map(({ folder }) => folder) as [
      string,
      string,
      string,
      string,
      string,
    ];
    nginx = await startNginx([
      { root: all, protocols: ['https'] },
      { root: stale, protocols: ['http'], keepaliveRequests: 100 },
      { root: distfiles, protocols: ['https'] },
      { root: half, protocols: ['http'] },
      { root: sizes, protocols: ['https'] },
    ]);
    closers.push(nginx.close);
    rsyncd = await startRsyncd({ stale });
    closers.push(rsyncd.close);
    const urls = nginx.sites.map((site) => site.httpUrl ?? site.httpsUrl) as [string, string, string, string, string];
    points = [
      { mirror: 'all', country: 'DE', url: urls[0], folder: all },
      { mirror: 'stale', country: 'FR', url: urls[1], folder: stale },
      { mirror: 'stale', country: 'FR', url: rsyncd.urls['stale'] as string, folder: stale },
      { mirror: 'distfiles', country: 'JP', url: urls[2], folder: distfiles },
      { mirror: 'half', country: 'US', url: urls[3], folder: half },
      { mirror: 'sizes', country: 'BR', url: urls[4], folder: sizes },
    ];
    writeConfiguration(work, tree, points);
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: nginx.caFile as string };
    const args = [
      redirector,
      'run',
      '--config',
      join(work, 'redirector.toml'),
      '--output',
      output,
      '--json',
      '--quiet',
    ];
    const { stdout } = await run(process.execPath, args, { env, maxBuffer: 64 * 1024 * 1024 });
    expect(JSON.parse(stdout).check.accessPoints.map((one: { state: string }) => one.state)).toEqual(
      points.map(() => 'up'),
    );
    inventory = readLeader(output).inventory;
    const keysFile = outputLayout.edgeKeys(output);
    const codeFile = outputLayout.edgeFunction(output);
    edge = loadBuiltFunction(
      readFileSync(codeFile, 'utf8'),
      parseKeys(readFileSync(keysFile, 'utf8'), keysFile),
      codeFile,
    );
  }, 10 * MINUTES);

  afterAll(async () => {
    await Promise.all(closers.map((close) => close()));
    rmSync(work, { recursive: true, force: true });
  });

  it('took over what rsync told, for the http access point beside it', () => {
    const status = JSON.parse(readFileSync(outputLayout.siteData(output), 'utf8'));
    const beside = status.mirrors
      .flatMap((mirror: { accessPoints: object[] }) => mirror.accessPoints)
      .find((point: { url: string }) => point.url === points[1]?.url);
    const taken = beside.methods.find((one: { method: string }) => one.method === 'rsync+sample')?.objects ?? 0;
    // Odd names are sampled by themselves; of a made-up tree they are a good part.
    const isReal = (process.env['REDIRECTOR_TREE'] ?? '') !== '';
    expect(taken).toBeGreaterThan(inventory.paths.length * (isReal ? 0.95 : 0.7));
  });

  it(
    'sends every object, from five countries over http and https, to a 200 of the right size, or to the fallback where nobody holds it',
    async () => {
      const webPoints = points.filter(({ url }) => url.startsWith('http'));
      const followed = webPoints.map(() => new Map<string, number>());
      const wrong: string[] = [];
      const fallbacks = new Set<number>();
      for (let id = 0; id < inventory.paths.length; id++) {
        const held = webPoints.map(({ folder }) => isHeld(folder, inventory, id));
        const path = inventory.paths[id] as string;
        const asked = inventory.types[id] === ObjectType.directory && id % 2 === 0 ? `/${path}/` : `/${path}`;
        const target = path !== '' && isDirectoryLike(inventory, id) ? `${path}/` : path;
        for (const scheme of ['https', 'http']) {
          const someHolder = webPoints.some(({ url }, i) => held[i] === true && url.startsWith(`${scheme}:`));
          for (const country of COUNTRIES) {
            const location = await locationOf(edge, asked, country, scheme);
            const i = webPoints.findIndex(({ url }) => location.startsWith(url));
            if (i < 0) {
              fallbacks.add(id);
              if (someHolder || location !== FALLBACK + asked.slice(1))
                wrong.push(`${scheme} ${country} ${asked} → ${location}`);
              continue;
            }
            const { url } = webPoints[i] as Point;
            if (held[i] !== true || !url.startsWith(`${scheme}:`) || location !== url + target) {
              wrong.push(`${scheme} ${country} ${asked} → ${location}`);
            }
            followed[i]?.set(`/${target}`, isDirectoryLike(inventory, id) ? -1 : (inventory.sizeBytes[id] as number));
          }
        }
      }
      expect(wrong.slice(0, 20)).toEqual([]);
      const ca = readFileSync(nginx.caFile as string);
      for (const [i, paths] of followed.entries()) {
        const { url } = webPoints[i] as Point;
        const answers = await headAll(url, [...paths.keys()], ca);
        [...paths].forEach(([path, size], n) => {
          const { status, length } = answers[n] ?? { status: 0, length: -1 };
          if (status !== 200 || (size >= 0 && length !== size)) wrong.push(`${url}${path}: ${status}, ${length} bytes`);
        });
        expect(paths.size).toBeGreaterThan(0);
      }
      expect(wrong.slice(0, 20)).toEqual([]);
      // The ground truth has both kinds, or the test would prove nothing.
      expect(fallbacks.size).toBeGreaterThan(0);
      expect(fallbacks.size).toBeLessThan(inventory.paths.length * 0.6);
    },
    10 * MINUTES,
  );

  it('has a page for every mirror', () => {
    for (const { id } of readLeader(output).mirrors.mirrors) {
      expect(statSync(join(outputLayout.site(output), `mirror-${id}.html`)).size).toBeGreaterThan(1000);
    }
  });
});

/** The ground truth: what lies in a mirror's folder. */
function isHeld(folder: string, inventory: LoadedInventory, id: number): boolean {
  const file = Buffer.concat([Buffer.from(`${folder}/`), pathToBytes(inventory.paths[id] as string)]);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return false;
  return isDirectoryLike(inventory, id)
    ? found.isDirectory()
    : found.isFile() && found.size === inventory.sizeBytes[id];
}

async function locationOf(edge: BuiltFunction, uri: string, country: string, scheme: string): Promise<string> {
  const answer = await edge({
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: '192.0.2.44' },
    request: {
      method: 'GET',
      uri,
      querystring: {},
      cookies: {},
      headers: { 'cloudfront-viewer-country': { value: country }, 'cloudfront-forwarded-proto': { value: scheme } },
    },
  });
  return answer.headers['location']?.value ?? `${answer.statusCode}`;
}

function writeConfiguration(work: string, tree: string, points: readonly Point[]): void {
  const mirrors = new Map<string, Point[]>();
  for (const point of points) mirrors.set(point.mirror, [...(mirrors.get(point.mirror) ?? []), point]);
  const listed = [...mirrors].map(([name, some]) => {
    return { name, country: (some[0] as Point).country, urls: some.map(({ url }) => url) };
  });
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'distfiles.xml'), mirrorListXml(listed));
  const lines = [`fallback = "${FALLBACK}"`, '[[inventory]]', `from = ${JSON.stringify(tree)}\n`];
  writeFileSync(join(work, 'redirector.toml'), lines.join('\n'));
}
