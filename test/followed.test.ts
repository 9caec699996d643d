import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BuiltFunction } from '../core/function-event.ts';
import { isDirectoryLike, type LoadedInventory, ObjectType } from '../core/inventory.ts';
import { readLeader } from '../core/node/leader-files.ts';
import { outputLayout } from '../core/output-layout.ts';
import { plantTree } from '../demo/tree.ts';
import { loadBuiltFunction, parseKeys } from '../edge-shim/built-function.ts';
import { requires } from './debian-packages.ts';
import { type HeadAnswer, headAll } from './head-all.ts';
import { mirrorListXml } from './mirror-list.ts';
import { INDEX_SERVERS, LIGHTTPD_MOST_FILES } from './servers/index-servers.ts';
import { startNginx } from './servers/nginx.ts';

const run = promisify(execFile);
const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const FALLBACK = 'https://fallback.example.org/';
/** Each alone in its country, with the whole tree; the last has no flat names. */
const SERVERS = { DE: 'nginx', FR: 'Apache', JP: 'lighttpd', BR: 'nginx without links' } as const;
const MINUTES = 60_000;
/**
 * lighttpd holds a file open for each name that it was asked for in the last seconds. Where it has none left it answers
 * 403, or ends (1.4.69): it is started anew before that.
 */
const MOST_OF_ONE_LIGHTTPD = LIGHTTPD_MOST_FILES / 2;

requires(
  'nginx',
  'apache2',
  'lighttpd',
)('every name of the tree', () => {
  const work = mkdtempSync(join(tmpdir(), 'redirector-followed-'));
  const output = join(work, 'output');
  const servers = new Map<string, { readonly url: string; close(): Promise<void> }>();
  let tree: string;
  let inventory: LoadedInventory;
  let edge: BuiltFunction;

  beforeAll(async () => {
    // Apache gives up root, and reads as somebody else.
    chmodSync(work, 0o755);
    const given = process.env['REDIRECTOR_TREE'] ?? '';
    tree = given === '' ? plantTree(join(work, 'tree'), { objects: 5_000, seed: 11 }).folder : given;
    for (const [country, name] of Object.entries(SERVERS)) {
      servers.set(country, await start(name, tree));
    }
    const config = writeConfiguration(work, tree, servers);
    for (const command of ['inventory', 'check', 'build']) {
      await run(process.execPath, [redirector, command, '--config', config, '--output', output, '--quiet']);
    }
    inventory = readLeader(output).inventory;
    const [codeFile, keysFile] = [outputLayout.edgeFunction(output), outputLayout.edgeKeys(output)];
    const keys = parseKeys(readFileSync(keysFile, 'utf8'), keysFile);
    edge = loadBuiltFunction(readFileSync(codeFile, 'utf8'), keys, codeFile);
  }, 10 * MINUTES);

  afterAll(async () => {
    await Promise.all([...servers.values()].map(({ close }) => close()));
    rmSync(work, { recursive: true, force: true });
  });

  it.each(Object.entries(SERVERS))(
    'is redirected in %s, however it is spelt, to a 200 of the right size on %s',
    async (country) => {
      const { url } = servers.get(country) as { url: string };
      const followed = new Map<string, number>();
      const wrong: string[] = [];
      for (let id = 0; id < inventory.paths.length; id++) {
        const path = inventory.paths[id] as string;
        const isDirectory = isDirectoryLike(inventory, id);
        const target = path !== '' && isDirectory ? `${path}/` : path;
        const location = await locationOf(edge, `/${respelt(path, id)}`, country);
        const own = country === 'BR' && isFlat(id) ? aliasOf(id) : target;
        if (location === url + own) followed.set(`/${own}`, isDirectory ? -1 : (inventory.sizeBytes[id] as number));
        else if (!servedElsewhere(location, [target, aliasOf(id)])) wrong.push(`/${path} → ${location}`);
      }
      expect(wrong.slice(0, 20)).toEqual([]);
      // What one of them refuses to serve (control characters, say) is another's.
      const lacked = country === 'BR' ? inventory.paths.filter((_, id) => isFlat(id)).length : 0;
      expect(followed.size).toBeGreaterThan((inventory.paths.length - lacked) * 0.97);
      const ofKind = (isDirectory: boolean) =>
        [...followed].filter(([, sizeBytes]) => sizeBytes < 0 === isDirectory).map(([path]) => path);
      const [files, directories] = [ofKind(false), ofKind(true)];
      const answers = new Map<string, HeadAnswer>();
      const isLighttpd = SERVERS[country as keyof typeof SERVERS] === 'lighttpd';
      const step = isLighttpd ? MOST_OF_ONE_LIGHTTPD : files.length;
      for (let first = 0; first < files.length; first += step) {
        const some = files.slice(first, first + step);
        const fresh = isLighttpd ? await startIndexServer('lighttpd', tree) : null;
        const found = await headAll(fresh?.url ?? url, some, null).finally(() => fresh?.close());
        found.forEach((answer, n) => void answers.set(some[n] as string, answer));
      }
      // lighttpd answers 503 where it has to read many directories at once.
      const oneByOne = await headAll(url, directories, null, { connections: 1, depth: 1 });
      oneByOne.forEach((answer, n) => void answers.set(directories[n] as string, answer));
      for (const [path, sizeBytes] of followed) {
        const { status, length } = answers.get(path) ?? { status: 0, length: -1 };
        if (status !== 200 || (sizeBytes >= 0 && length !== sizeBytes))
          wrong.push(`${path}: ${status}, ${length} bytes`);
      }
      expect(wrong.slice(0, 20)).toEqual([]);
    },
    10 * MINUTES,
  );

  it('without links is what two fifths of all flat names lead to in Brazil', async () => {
    const { url } = servers.get('BR') as { url: string };
    let aliased = 0;
    for (let id = 0; id < inventory.paths.length; id++) {
      if (!isFlat(id)) continue;
      if ((await locationOf(edge, `/${inventory.paths[id]}`, 'BR')) === url + aliasOf(id)) aliased++;
    }
    expect(aliased).toBeGreaterThan(inventory.paths.length * 0.4);
  });

  /** A link right in `distfiles/`, which one of the servers does not have. */
  function isFlat(id: number): boolean {
    return /^distfiles\/[^/]+$/.test(inventory.paths[id] as string) && inventory.types[id] === ObjectType.symlink;
  }

  /** What the object's link leads to; its own path where it is none. */
  function aliasOf(id: number): string {
    return inventory.paths[inventory.leadsTo[id] as number] as string;
  }

  function servedElsewhere(location: string, paths: readonly string[]): boolean {
    return [...servers.values()].some(({ url }) => paths.some((path) => location === url + path));
  }
});

function start(name: (typeof SERVERS)[keyof typeof SERVERS], tree: string) {
  if (name === 'lighttpd') return startIndexServer('lighttpd', tree);
  if (name === 'Apache') return startIndexServer('apache-fancy', tree);
  return name === 'nginx' ? startIndexServer('nginx-exact', tree) : startWithoutLinks(tree);
}

function startIndexServer(name: string, tree: string) {
  return (INDEX_SERVERS[name] as (typeof INDEX_SERVERS)[string]).start(tree);
}

async function startWithoutLinks(tree: string) {
  const others = readdirSync(join(tree, 'distfiles'), { withFileTypes: true }).filter((one) => !one.isSymbolicLink());
  const directives = [
    'location ~ ^/distfiles/[^/]+$ { return 404; }',
    ...others.map(({ name }) => `location = /distfiles/${name} { }`),
  ].join(' ');
  const { sites, close } = await startNginx([{ root: tree, directives }]);
  return { url: sites[0]?.httpUrl as string, close };
}

/** The same bytes in other spellings (docs/decisions/0002-paths.md). */
function respelt(path: string, id: number): string {
  if (id % 4 === 1) return path.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  if (id % 4 === 2)
    return path.replaceAll('%2B', '+').replaceAll('%40', '@').replaceAll('%3A', ':').replaceAll('~', '%7E');
  if (id % 4 === 3) return path.replaceAll('/', '//');
  return path;
}

async function locationOf(edge: BuiltFunction, uri: string, country: string): Promise<string> {
  const headers = { 'cloudfront-viewer-country': { value: country }, 'cloudfront-forwarded-proto': { value: 'http' } };
  const answer = await edge({
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: '192.0.2.44' },
    request: { method: 'GET', uri, querystring: {}, cookies: {}, headers },
  });
  return answer.headers['location']?.value ?? `${answer.statusCode}`;
}

function writeConfiguration(
  work: string,
  tree: string,
  servers: ReadonlyMap<string, { readonly url: string }>,
): string {
  const mirrors = [...servers].map(([country, { url }]) => ({ name: country, country, urls: [url] }));
  writeFileSync(join(work, 'distfiles.xml'), mirrorListXml(mirrors));
  const lines = [`fallback = "${FALLBACK}"`, '[[inventory]]', `from = ${JSON.stringify(tree)}\n`];
  const file = join(work, 'redirector.toml');
  writeFileSync(file, lines.join('\n'));
  return file;
}
