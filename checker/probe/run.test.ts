import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunError } from '../../core/errors.ts';
import { decodeLiveness } from '../../core/formats/liveness-file.ts';
import { LAYOUT_PATH } from '../../core/master-files.ts';
import { readProbes } from '../../core/node/liveness-files.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { silentProgress } from '../../core/progress.ts';
import { requires } from '../../test/debian-packages.ts';
import { keep } from '../../test/keep.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { plantFiles, scripted, startRsyncDaemon } from '../testing/servers.ts';
import {
  KNOWN_BYTES,
  KNOWN_PATH,
  reply,
  startMirror,
  type TestMirror,
  TestOutput,
  type TestPoint,
  TIMEOUTS_MS,
  testNetwork,
  told,
} from './testing/mirror.ts';

const mirror = async (...args: Parameters<typeof startMirror>): Promise<TestMirror> => keep(await startMirror(...args));
const outputOf = (...points: TestPoint[]) => keep(new TestOutput(points));
const noting = (notes: string[]) => ({ ...silentProgress, note: (line: string) => notes.push(line) });
const fileOf = ({ folder }: TestOutput) => {
  const file = outputLayout.liveness(folder);
  return decodeLiveness(readFileSync(file, 'utf8'), file);
};

describe('from run to run', () => {
  it('up, down after two tries apart, down at once, up after one clean try', async () => {
    let isBroken = false;
    const server = await mirror((_, response) => isBroken && reply(response, 503, 0));
    const output = outputOf({ name: 'm', url: server.url });
    const reason = `answers 503 (service unavailable) for "${KNOWN_PATH}"`;
    const probe = async () => {
      const { accessPoints } = await output.probe();
      expect(fileOf(output).accessPoints).toEqual(accessPoints);
      return accessPoints[0]!;
    };
    expect((await probe()).liveness).toMatchObject({ state: 'up', sinceS: 7 });

    isBroken = true;
    const asked = server.requests.length;
    const down = await probe();
    expect(server.requests.length - asked).toBe(2);
    expect(down.liveness).toMatchObject({ state: 'down', reason, sinceS: down.liveness.checkedAtS });
    const still = await probe();
    expect(server.requests.length - asked).toBe(3);
    expect(still.liveness).toMatchObject({ state: 'down', reason, sinceS: down.liveness.sinceS });

    isBroken = false;
    const up = await probe();
    expect(up.liveness).toMatchObject({ state: 'up', reason: '', sinceS: up.liveness.checkedAtS });
    expect(up.history.map(({ state }) => state)).toEqual(['down', 'up']);
  });

  it('a single failed try is told of and is no change of state', async () => {
    let asked = 0;
    const server = await mirror((_, response) => ++asked === 1 && reply(response, 500, 0));
    const output = outputOf({ name: 'm', url: server.url });
    const [record] = (await output.probe()).accessPoints;
    expect(told(record!)).toBe(`up | a first try failed: answers 500 (internal server error) for "${KNOWN_PATH}"`);
    expect(record).toMatchObject({ liveness: { sinceS: 7 }, history: [] });
  });

  it('interrupted after the first failure it is failing, and what was not begun stays as it was', async () => {
    const abort = new AbortController();
    let failed = () => {};
    const hasFailed = new Promise<void>((resolve) => {
      failed = resolve;
    });
    const server = await mirror((request, response) => {
      request.socket.once('close', failed);
      return reply(response, 500, 0);
    });
    // Its probe is the only one that ends, and not before that of the other has failed.
    const fine = await mirror(({ url, method }, response) => {
      if (url !== `/${KNOWN_PATH}` || method !== 'GET') return false;
      void hasFailed.then(() => reply(response, 200, KNOWN_BYTES));
      return true;
    });
    const advance = () => abort.abort();
    const progress = { ...silentProgress, start: () => ({ ...silentProgress.start('', 0, ''), advance }) };
    const hanging = await mirror(() => true);
    const output = outputOf(
      { name: 'm', url: server.url },
      { name: 'h', url: hanging.url },
      { name: 'f', url: fine.url },
    );
    const { accessPoints, interrupted } = await output.probe({
      signal: abort.signal,
      secondTryAfterMs: 60_000,
      progress,
    });
    expect(interrupted).toBe(true);
    expect(accessPoints.map(told)).toEqual([`failing: answers 500 (internal server error) for "${KNOWN_PATH}"`, 'up']);
    expect(fileOf(output).accessPoints.map(({ accessPointId }) => accessPointId)).toEqual(['m.test', 'f.test']);
  });

  it('only the mirrors that are asked for are probed; the others keep what is known', async () => {
    const [a, b] = [await startMirror(), await mirror()];
    const output = outputOf({ name: 'a', url: a.url }, { name: 'b', url: b.url });
    await output.probe();
    const before = fileOf(output).accessPoints[0];
    await a.close();
    const { accessPoints } = await output.probe({ mirrorIds: ['b'] });
    expect(accessPoints.map(({ accessPointId }) => accessPointId)).toEqual(['b.test']);
    expect(fileOf(output).accessPoints[0]).toEqual(before);
  });

  it('a torn file is told of and begun anew', async () => {
    const output = outputOf({ name: 'm', url: (await mirror()).url });
    writeFileSync(outputLayout.liveness(output.folder), '{"version":1,"acc');
    const notes: string[] = [];
    const { accessPoints } = await output.probe({ progress: noting(notes) });
    expect(accessPoints.map(told)).toEqual(['up']);
    expect(notes).toEqual([expect.stringContaining('liveness.json')]);
  });

  it('where none of many answers nothing is written: it is more likely us', async () => {
    const points = Array.from({ length: 12 }, (_, i) => ({ name: `m${i}`, url: `http://127.0.0.1:1/${i}/` }));
    const output = outputOf(...points);
    await expect(output.probe()).rejects.toThrow(RunError);
    expect(readProbes(output.folder, Date.now() / 1000, () => {})(output.points[0]!)).toBe(null);
  });
});

describe('bytes', () => {
  it('are counted, on all connections and both ways', async () => {
    const sockets: Socket[] = [];
    const server = keep(
      await startMirror((request) => void (sockets.includes(request.socket) || sockets.push(request.socket))),
    );
    const ftp = await scripted(
      () => {},
      (socket) => socket.write('220 welcome\r\n'),
    );
    const output = outputOf({ name: 'http', url: server.url }, { name: 'ftp', url: `ftp://127.0.0.1:${ftp.port}/` });
    const { accessPoints } = await output.probe();
    const [overHttp, overFtp] = accessPoints.map(({ cost }) => cost);
    expect(overFtp?.bytes).toBe('220 welcome\r\n'.length + 'QUIT\r\n'.length);
    const seen = sockets.reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0);
    expect(overHttp?.connections).toBe(sockets.length);
    // The end of the body that is not read may be lost on the way.
    expect(overHttp?.bytes).toBeLessThanOrEqual(seen);
    expect(overHttp?.bytes).toBeGreaterThan(Math.max(500, seen - KNOWN_BYTES));
  });
});

describe('what is asked for', () => {
  it('is layout.conf where nothing was checked yet, and is not remembered', async () => {
    const server = await mirror();
    const output = outputOf({ name: 'm', url: server.url, isUnchecked: true });
    const { accessPoints } = await output.probe();
    expect(server.requests[0]).toContain(`HEAD /${LAYOUT_PATH} `);
    expect(accessPoints).toMatchObject([{ liveness: { state: 'up' }, knownObjects: [] }]);
  });

  it('is what the check found, and remembered', async () => {
    const server = await mirror();
    const output = outputOf({ name: 'm', url: server.url });
    for (const _ of [1, 2]) {
      const { accessPoints } = await output.probe();
      expect(accessPoints[0]?.knownObjects).toEqual([{ path: KNOWN_PATH, sizeBytes: KNOWN_BYTES }]);
      rmSync(join(output.folder, 'observations'), { recursive: true, force: true });
    }
    expect(server.requests.filter((line) => line.startsWith(`HEAD /${KNOWN_PATH} `))).toHaveLength(2);
  });
});

describe('both families', () => {
  const both = testNetwork({ 'both.localhost': ['127.0.0.1', '::1'], 'six.localhost': ['::1'] });

  it('are probed apart: one that is dead is told of, the other keeps the mirror up', async () => {
    const four = await mirror();
    const six = await mirror(undefined, '::1');
    const output = outputOf(
      { name: 'four', url: `http://both.localhost:${four.port}/`, ipv6: true },
      { name: 'six', url: `http://both.localhost:${six.port}/`, ipv6: true },
      { name: 'only', url: `http://six.localhost:${six.port}/`, ipv6: true },
      { name: 'literal', url: six.url, ipv6: true },
    );
    const { accessPoints } = await output.probe({ network: both });
    expect(accessPoints.map((record) => [told(record), record.ipv4Up, record.ipv6Up])).toEqual([
      ['up | not over IPv6: connection refused', true, false],
      ['up | not over IPv4: connection refused', false, true],
      ['up | listed with IPv4, but its name has no such address', null, true],
      ['up | listed with IPv4, but its name has no such address', null, true],
    ]);
  });

  it('are both told of where both fail', async () => {
    const four = await mirror((_, response) => reply(response, 500, 0));
    const output = outputOf({ name: 'm', url: `http://both.localhost:${four.port}/` });
    const { accessPoints } = await output.probe({ network: both });
    expect(accessPoints.map(told)).toEqual([
      `down: answers 500 (internal server error) for "${KNOWN_PATH}"; over IPv6: connection refused`,
    ]);
  });

  it('prove nothing where this machine has none of them, which is said', async () => {
    const network = { ...testNetwork({ 'far.example': ['2600::1'] }), hasIpv4: false, hasIpv6: false };
    const output = outputOf({ name: 'm', url: 'http://far.example/', ipv6: true, isUnchecked: true });
    const notes: string[] = [];
    const { accessPoints } = await output.probe({ network, progress: noting(notes) });
    expect(notes).toEqual(['this machine has no IPv6: over it nothing is told of one access point']);
    const reason = 'its IPv6 address cannot be reached: this machine has none';
    expect(accessPoints).toMatchObject([
      { liveness: { checkedAtS: 0, reason }, ipv4Up: null, ipv6Up: null, history: [] },
    ]);
  });

  it('need not be this machine’s where the mirrors are on it', async () => {
    const network = { ...testNetwork({}), hasIpv4: false, hasIpv6: false };
    const output = outputOf({ name: 'm', url: (await mirror()).url });
    const notes: string[] = [];
    const { accessPoints } = await output.probe({ network, progress: noting(notes) });
    expect([accessPoints.map(told), notes]).toEqual([['up'], []]);
  });

  it('a second try takes another of a name’s addresses', async () => {
    const server = await mirror(undefined, '127.0.0.3');
    const network = testNetwork({ 'two.localhost': ['127.0.0.2', '127.0.0.3'] });
    const output = outputOf({ name: 'm', url: `http://two.localhost:${server.port}/` });
    const { accessPoints } = await output.probe({ network });
    expect(accessPoints.map(told)).toEqual(['up | a first try failed: connection refused']);
  });

  it('a redirect is followed within its family', async () => {
    const target = await mirror();
    const server = await mirror(
      ({ url }, response) => reply(response, 302, 0, { location: `http://four.localhost:${target.port}${url}` }),
      '::1',
    );
    const network = testNetwork({ 'four.localhost': ['127.0.0.1'] });
    const output = outputOf({ name: 'm', url: server.url, ipv6: true });
    const { accessPoints } = await output.probe({ network });
    expect(told(accessPoints[0]!)).toBe(
      `down: redirects to "http://four.localhost:${target.port}": four.localhost has no IPv6 address | listed with IPv4, but its name has no such address`,
    );
  });
});

requires('rsync')('over rsync', () => {
  it('one file is listed, by the address alone', async () => {
    const root = keep(tempFolder()).path;
    plantFiles(root, { [KNOWN_PATH]: KNOWN_BYTES, 'short/distfiles/ab/known-1.0.tar.xz': 3, 'empty/x': 1 });
    const daemon = keep(await startRsyncDaemon(root));
    const at = (path: string) => `rsync://mirror.localhost:${daemon.port}/${path}`;
    const output = outputOf(
      { name: 'whole', url: at('tree/') },
      { name: 'cut', url: at('tree/short/') },
      { name: 'without', url: at('tree/empty/') },
      { name: 'nobody', url: at('nothing/') },
      { name: 'unchecked', url: at('tree/'), isUnchecked: true, partial: true },
    );
    const network = testNetwork({ 'mirror.localhost': ['127.0.0.1'] });
    const { accessPoints } = await output.probe({ network });
    expect(accessPoints.map(told)).toEqual([
      'up',
      `down: "${KNOWN_PATH}" has 3 bytes there, 20,000 on the master`,
      `down: has no "${KNOWN_PATH}"`,
      expect.stringMatching(/^down: the server refused: no such module.*Unknown module 'nothing'/),
      'up',
    ]);
    // A line of a listing.
    expect(accessPoints[0]?.cost.bytes).toBeGreaterThan(40);
  });
});

describe('over ftp', () => {
  it('the greeting counts', async () => {
    const greeting = async (text: string) => {
      const server = await scripted(
        () => {},
        (socket) => text !== '' && socket.write(text),
      );
      return `ftp://127.0.0.1:${server.port}/gentoo/`;
    };
    const closing = await scripted(
      () => {},
      (socket) => socket.end(),
    );
    const output = outputOf(
      { name: 'one line', url: await greeting('220 welcome\r\n') },
      { name: 'many lines', url: await greeting('220-welcome\r\n220-to us\r\n220 ready\r\n') },
      { name: 'busy', url: await greeting('421 too many users\u001b[2J\r\n') },
      { name: 'no ftp', url: await greeting('x'.repeat(5000)) },
      { name: 'closing', url: `ftp://127.0.0.1:${closing.port}/` },
    );
    const { accessPoints } = await output.probe();
    expect(accessPoints.map(told)).toEqual([
      'up',
      'up',
      'up | greets with "421 too many users\\u001b[2J": no room for us, what was known stands',
      `down: its greeting is not FTP: "${'x'.repeat(40)}…"`,
      'down: closes the connection without a greeting',
    ]);
    const silent = outputOf({ name: 'silent', url: await greeting('') });
    const { accessPoints: found } = await silent.probe({ timeoutMs: TIMEOUTS_MS.silent });
    expect(found.map(told)).toEqual(['down: no greeting within 1 s']);
  });
});
