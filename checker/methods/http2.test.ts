import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requires } from '../../test/debian-packages.ts';
import { keep } from '../../test/keep.ts';
import { type NginxSite, startNginx } from '../../test/servers/nginx.ts';
import { makeCertificate } from '../../test/servers/tls.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { headAll } from '../net/head-run.ts';
import { HostBudgets } from '../net/host-budget.ts';
import { collect } from '../testing/collect.ts';
import { testInventory } from '../testing/inventory.ts';
import { plantFiles } from '../testing/servers.ts';
import { httpHead } from './http-head.ts';

const COUNT = 3000;

requires('nginx', 'openssl')('over HTTP/2', () => {
  const root = tempFolder();
  beforeAll(() => {
    plantFiles(root.path, Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`f${i}`, i % 50])));
  });
  afterAll(() => root.close());

  async function askNginx(site: Partial<NginxSite>) {
    const nginx = keep(await startNginx([{ root: root.path, protocols: ['https'], ...site }]));
    const url = nginx.sites[0]?.httpsUrl as string;
    const answers: string[] = [];
    let failures = 0;
    const report = await headAll({
      origin: url.slice(0, -1),
      userAgent: 'redirector-test/1',
      count: COUNT + 100,
      pathOf: (index) => `/f${index}`,
      onAnswer: (index, status, lengthBytes) => {
        answers[index] = `${answers[index] ?? ''}${status} ${status === 200 ? lengthBytes : ''}`;
      },
      onFailure: () => failures++,
      connections: 2,
      depth: { first: 4, most: 100 },
      http2: true,
      budget: new HostBudgets().of(url),
      maxStrikes: 3,
      timeoutMs: 5000,
      budgetMs: 60_000,
      signal: new AbortController().signal,
      ca: readFileSync(nginx.caFile as string),
    });
    return { report, answers, failures };
  }

  const expected = Array.from({ length: COUNT + 100 }, (_, i) => (i < COUNT ? `200 ${i % 50}` : '404 '));

  test('many streams share few connections', async () => {
    const { report, answers, failures } = await askNginx({ http2: true });
    expect(answers).toEqual(expected);
    expect(failures).toBe(0);
    expect(report).toMatchObject({ ended: 'whole', isHttp2: true });
    expect(report.deepest).toBeGreaterThanOrEqual(32);
  });

  test.each([100, 1000])('nothing is lost where each connection ends after %i requests (GOAWAY)', async (limit) => {
    const { report, answers, failures } = await askNginx({ http2: true, keepaliveRequests: limit });
    expect(answers).toEqual(expected);
    expect(failures).toBe(0);
    expect(report).toMatchObject({ ended: 'whole', isHttp2: true });
    expect(report.connections).toBeGreaterThan(COUNT / limit - 1);
  });

  test('a server that does not speak it is pipelined', async () => {
    const { report, answers } = await askNginx({});
    expect(answers).toEqual(expected);
    expect(report).toMatchObject({ ended: 'whole', isHttp2: false });
  });
});

requires('openssl')('a host that mixes up pipelined answers', () => {
  const folder = tempFolder();
  afterAll(() => folder.close());
  beforeAll(() => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    return () => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    };
  });

  test('is asked over HTTP/2 where it speaks it', async () => {
    const files = await makeCertificate(folder.path);
    const asked = { '1.1': 0, '2.0': 0 };
    const pending = new WeakMap<object, number>();
    const tls = { key: readFileSync(files.keyFile), cert: readFileSync(files.certificateFile) };
    const server = createSecureServer({ ...tls, allowHTTP1: true }, (request, response) => {
      asked[request.httpVersion as '1.1' | '2.0']++;
      const i = Number(/\/f(\d+)$/.exec(request.url)?.[1] ?? -1);
      const isOver1 = request.httpVersion === '1.1';
      const behind = pending.get(request.socket) ?? 0;
      pending.set(request.socket, behind + 1);
      setImmediate(() => {
        pending.set(request.socket, (pending.get(request.socket) ?? 1) - 1);
        response.writeHead(i < 0 ? 404 : 200, { 'content-length': Math.max(0, i) + (isOver1 ? behind : 0) });
        response.end();
      });
    }).listen(0, '127.0.0.1');
    keep({ close: () => void server.close() });
    await new Promise((resolve) => server.once('listening', resolve));
    const inventory = testInventory(
      Array.from({ length: 500 }, (_, i) => ({ path: join('distfiles', `f${i}`), sizeBytes: i })),
    );
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { report, results } = await collect(httpHead, inventory, url);
    expect(results).toEqual(Object.fromEntries(inventory.paths.map((path, i) => [path, `present ${i}`])));
    expect(report).toMatchObject({ ended: 'whole', reason: '' });
    expect(asked['2.0']).toBeGreaterThanOrEqual(500);
    expect(asked['1.1']).toBeLessThan(150);
  });
});
