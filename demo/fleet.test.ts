import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { listOverRsync } from '../core/node/rsync.ts';
import { pathFromBytes } from '../core/path-bytes.ts';
import { type Fleet, startFleet, type Truth } from './fleet.ts';
import { type HeadAnswer, rawHeads } from './testing/raw-heads.ts';
import { type PlantedObject, type PlantedTree, plantTree } from './tree.ts';

let folder: string;
let tree: PlantedTree;
let fleet: Fleet;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'redirector-fleet-'));
  tree = plantTree(join(folder, 'master'), { objects: 1500, seed: 3 });
  fleet = await startFleet({ tree, folder: join(folder, 'fleet') });
});
afterAll(async () => {
  await fleet.close();
  rmSync(folder, { recursive: true, force: true });
});

const behaving = (words: string) => fleet.mirrors.findIndex((mirror) => mirror.behaviour.includes(words));
const httpUrl = (index: number) => new URL((fleet.mirrors[index] as Fleet['mirrors'][number]).urls[0] as string);
const targetOf = (base: string, object: PlantedObject) =>
  `${base}${pathFromBytes(object.path)}${object.sizeBytes < 0 ? '/' : ''}`;

/** What a checker may conclude from an answer to HEAD. */
function proven(object: PlantedObject, answer: HeadAnswer | undefined): Truth {
  if (answer?.status === 404) return 'absent';
  if (answer?.status !== 200) return 'unproven';
  return object.sizeBytes < 0 || answer.lengthBytes === object.sizeBytes ? 'present' : 'different';
}

describe('the fleet over http', () => {
  it('answers for every object at every mirror what holds() tells', async () => {
    for (const [i, mirror] of fleet.mirrors.entries()) {
      if (mirror.behaviour.includes('200 for whatever')) continue;
      const { port, pathname } = httpUrl(i);
      const targets = tree.objects.map((object) => targetOf(pathname, object));
      const answers = await rawHeads(Number(port), targets, 700);
      const seen = tree.objects.map((object, k) => `${targets[k]}: ${proven(object, answers[k])}`);
      const told = tree.objects.map((object, k) => `${targets[k]}: ${fleet.holds(i, 'http', object.path)}`);
      expect(seen, mirror.behaviour).toEqual(told);
    }
  });

  it('has mirrors of every kind', () => {
    const count = (words: string, truth: Truth) =>
      tree.objects.filter((object) => fleet.holds(behaving(words), 'http', object.path) === truth).length;
    expect(count('whole and quick', 'present')).toBe(tree.objects.length);
    expect(count('stale', 'absent')).toBeGreaterThan(tree.objects.length / 20);
    expect(count('distfiles/ alone', 'absent')).toBeGreaterThan(100);
    expect(count('cut short', 'different')).toBeGreaterThan(50);
    for (const kind of ['200 for whatever', 'never answers', 'nobody listens', '403']) {
      expect(count(kind, 'unproven'), kind).toBe(tree.objects.length);
    }
    expect(new Set(fleet.mirrors.map((mirror) => mirror.country)).size).toBe(8);
  });

  it('answers 200 and a page at the soft 404 to names that can not exist', async () => {
    const response = await fetch(new URL('no/such/thing', httpUrl(behaving('200 for whatever'))));
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('Welcome')]);
  });

  it('cuts connections after so many answers, and loses none of them', async () => {
    for (const [words, expected] of [
      ['after 100', 100],
      ['after 7', 7],
    ] as const) {
      const { port, pathname } = httpUrl(behaving(words));
      expect(
        await answersOfOneConnection(Number(port), `HEAD ${pathname}distfiles/ HTTP/1.1\r\nHost: x\r\n\r\n`, 250),
      ).toBe(expected);
    }
  });

  it('sends bodies as long as it says, short ones where it is cut short', async () => {
    const i = behaving('cut short');
    const small = (object: PlantedObject) => object.sizeBytes > 0 && object.sizeBytes < 1e6;
    for (const truth of ['present', 'different'] as const) {
      const object = tree.objects.find((o) => small(o) && fleet.holds(i, 'http', o.path) === truth) as PlantedObject;
      const response = await fetch(new URL(targetOf(httpUrl(i).pathname, object), httpUrl(i)));
      const body = await response.arrayBuffer();
      expect(body.byteLength).toBe(Number(response.headers.get('content-length')));
      expect(body.byteLength === object.sizeBytes).toBe(truth === 'present');
    }
  });

  it('answers pipelined GETs in their order', async () => {
    const { port } = new URL(fleet.fallbackUrl);
    const names = ['distfiles/layout.conf', 'distfiles/timestamp.mirmon', 'nothing', 'distfiles/layout.conf'];
    const requests = names.map(
      (name, k) => `GET /${name} HTTP/1.1\r\nHost: x\r\n${k === 3 ? 'Connection: close\r\n' : ''}\r\n`,
    );
    const text = await conversation(Number(port), requests.join(''));
    const layout = readFileSync(join(tree.folder, names[0] as string), 'utf8');
    const stamp = readFileSync(join(tree.folder, names[1] as string), 'utf8');
    const bodies = text.split(/HTTP\/1\.1 \d{3} [\s\S]*?\r\n\r\n/).slice(1);
    expect(bodies).toEqual([layout, stamp, '<h1>Not found</h1>\n', layout]);
  });

  it('redirects a directory without its slash, lists one with it, and follows links on the way', async () => {
    const base = fleet.fallbackUrl;
    const moved = await fetch(`${base}experimental/odd/link%20to%20new%0aline`, { redirect: 'manual' });
    expect(moved.status).toBe(301);
    expect(moved.headers.get('location')).toBe('/experimental/odd/link%20to%20new%0Aline/');
    const listing = await (await fetch(`${base}experimental/odd/%3Cb%3E/../`)).text();
    expect(listing).toContain('<a href="%3Cb%3E/">&#60;b&#62;/</a>');
    const beneath = await fetch(`${base}experimental/here/here/odd/100%25/a%3Fb%23c.tar.xz`, { method: 'HEAD' });
    expect([beneath.status, beneath.headers.get('content-length')]).toEqual([200, '1004']);
    expect(fleet.holds(0, 'http', Buffer.from('experimental/here/here/odd/100%/a?b#c.tar.xz'))).toBe('present');
  });

  it('answers at the root, and 404 to a file with a slash after it', async () => {
    const root = await fetch(httpUrl(behaving('distfiles/ alone')));
    expect([root.status, (await root.text()).match(/href="[^"]*"/g)]).toEqual([
      200,
      ['href="../"', 'href="distfiles/"'],
    ]);
    expect(fleet.holds(0, 'http', Buffer.from(''))).toBe('present');
    expect((await fetch(`${fleet.fallbackUrl}distfiles/layout.conf/`)).status).toBe(404);
  });

  it('takes from the stale mirror the newest folder whole, with the links to it', () => {
    const i = behaving('stale');
    const link = tree.objects.find(({ path }) => path.includes('current-stage3')) as PlantedObject;
    const paths = [link.path, link.leadsTo, Buffer.concat([link.path, Buffer.from('/no-such-file')])];
    expect(paths.map((path) => fleet.holds(i, 'http', path))).toEqual(['absent', 'absent', 'absent']);
    expect(fleet.holds(i, 'http', Buffer.from('experimental/empty'))).toBe('present');
  });

  it('never serves what lies outside of the tree', async () => {
    const { port } = new URL(fleet.fallbackUrl);
    const strays = tree.leftOut.map((path) => `/${pathFromBytes(path)}`);
    const ways = [
      ...strays,
      '/../../etc/hostname',
      '/%2e%2e/%2e%2e/etc/hostname',
      '/distfiles/..%2f..%2f..%2fetc/hostname',
    ];
    const answers = await rawHeads(Number(port), ways, 1000);
    expect(answers.map((answer) => answer.status)).toEqual(ways.map(() => 404));
  });

  it('answers other methods, bodies and nonsense with an error, and endless headers with the end', async () => {
    const { port } = new URL(fleet.fallbackUrl);
    const status = async (request: string) => (await conversation(Number(port), request)).slice(9, 12);
    expect(await status('DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toBe('405');
    expect(await status('GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc')).toBe('400');
    expect(await status('GET /% HTTP/1.0\r\n\r\n')).toBe('400');
    expect(await status('nonsense\r\n\r\n')).toBe('400');
    expect(await status(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`)).toBe('');
  });

  it('gives the stale mirror an old freshness stamp of the same length', async () => {
    const stamp = async (url: string | URL) => Number(await (await fetch(`${url}distfiles/timestamp.mirmon`)).text());
    const [master, stale] = [await stamp(fleet.fallbackUrl), await stamp(httpUrl(behaving('stale')))];
    expect(master - stale).toBe(4 * 86_400);
  });
});

describe('the fleet over rsync', () => {
  it('lists at two mirrors what holds() tells, where rsync is installed', async ({ skip }) => {
    skip(!fleet.rsync, 'rsync is not installed');
    for (const words of ['whole and quick', 'stale']) {
      const i = behaving(words);
      const listed = new Map<string, number>();
      const url = fleet.mirrors[i]?.urls.find((candidate) => candidate.startsWith('rsync:')) as string;
      const { signal } = new AbortController();
      const onEntry = (entry: { path: string; sizeBytes: number }) => listed.set(entry.path, entry.sizeBytes);
      const listing = await listOverRsync({ url, timeoutMs: 10_000, signal, onEntry });
      expect(listing).toMatchObject({ complete: true, reason: '', oddLines: 0, specials: 0 });
      for (const object of tree.objects) {
        const told = fleet.holds(i, 'rsync', object.path);
        expect(listed.has(pathFromBytes(object.path)) ? 'present' : 'absent', pathFromBytes(object.path)).toBe(told);
      }
    }
    expect(fleet.mirrors.flatMap((mirror) => mirror.urls).filter((url) => url.startsWith('rsync:')).length).toBe(2);
    expect(fleet.holds(behaving('cut short'), 'rsync', Buffer.from('distfiles'))).toBe('unproven');
  });

  it('leaves the master as it was', () => {
    expect(readFileSync(join(tree.folder, 'distfiles/timestamp.mirmon'), 'utf8')).toBe(
      `${Date.UTC(2026, 5, 30) / 1000}\n`,
    );
  });
});

describe('the list of the fleet', () => {
  it('names every URL under its country, in the format of the real one', () => {
    const groups = fleet.distfilesXml.split('<mirrorgroup ').slice(1);
    expect(groups.length).toBe(8);
    for (const { name, country, urls } of fleet.mirrors) {
      const code = country === 'GB' ? 'UK' : country;
      const group = groups.find((text) => text.includes(`country="${code}"`)) as string;
      expect(group).toContain(`<name>${name.replace('&', '&#38;')}</name>`);
      for (const url of urls) expect(group).toContain(`>${url}</uri>`);
    }
  });
});

describe('closing the fleet', () => {
  it('leaves no port, no folder and no temporary file, also when it is aborted', async () => {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const controller = new AbortController();
    const own = join(folder, 'second');
    const second = await startFleet({ tree, folder: own, signal: controller.signal });
    const ports = second.mirrors.flatMap((mirror) => mirror.urls).map((url) => Number(new URL(url).port));
    const idle = connect(ports[0] as number, '127.0.0.1');
    await once(idle, 'connect');
    const cut = once(idle, 'close');
    idle.on('error', () => {});
    expect(readdirSync(temporary).length).toBe(second.rsync ? 1 : 0);
    controller.abort();
    await second.close();
    await cut;
    for (const port of ports) expect(await refuses(port)).toBe(true);
    expect(existsSync(own)).toBe(false);
    expect(readdirSync(temporary)).toEqual([]);
    await expect(startFleet({ tree, folder: own, signal: controller.signal })).rejects.toThrow();
    expect(existsSync(own)).toBe(false);
  });

  it('leaves nothing when it is aborted while it starts', async () => {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const own = join(folder, 'third');
    for (const at of [temporary, own]) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const starting = startFleet({ tree, folder: own, signal: controller.signal });
      const failed = expect(starting).rejects.toBe(reason);
      // While the rsync daemon's folder is there, the daemon is on its way.
      while (fleet.rsync && (!existsSync(at) || readdirSync(at).length === 0)) await setImmediate();
      controller.abort(reason);
      await failed;
      expect(existsSync(own)).toBe(false);
      expect(readdirSync(temporary)).toEqual([]);
    }
  });
});

function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(true));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}

/** Everything a server says to a text until it closes. */
function conversation(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let said = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      said += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(said));
    socket.write(text);
  });
}

async function answersOfOneConnection(port: number, request: string, times: number): Promise<number> {
  return (await conversation(port, request.repeat(times))).split('HTTP/1.1 200').length - 1;
}
