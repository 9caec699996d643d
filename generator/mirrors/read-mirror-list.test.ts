import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunError, UsageError } from '../../core/errors.ts';
import { type ReadMirrorListOptions, readMirrorList } from './read-mirror-list.ts';

const XML =
  '<mirrors><mirrorgroup country="DE"><mirror><name>é</name><uri>http://a.org/</uri></mirror></mirrorgroup></mirrors>';

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mirrors-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(answer: RequestListener): Promise<string> {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/distfiles.xml`;
}

function read(list: string, options: Partial<ReadMirrorListOptions> = {}) {
  return readMirrorList({
    list,
    overrides: null,
    nowMs: 1,
    timeoutMs: 5000,
    signal: new AbortController().signal,
    ...options,
  });
}

test('a list is read from a file, with overrides from another', async () => {
  const [list, overrides] = [join(folder, 'list.xml'), join(folder, 'mirrors.toml')];
  writeFileSync(list, XML);
  writeFileSync(overrides, '[mirror."a.org"]\nweight = 3');
  expect((await read(list, { overrides })).mirrors).toMatchObject([{ id: 'a.org', name: 'é', weight: 3 }]);
  writeFileSync(overrides, Buffer.from('# caf\u00e9\n', 'latin1'));
  await expect(read(list, { overrides })).rejects.toThrow('mirrors.toml:1: not UTF-8');
});

test('a list is read from a URL, through redirects', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/distfiles.xml') response.writeHead(302, { location: '/there' }).end();
    else response.end(XML);
  });
  expect((await read(url)).mirrors).toMatchObject([{ id: 'a.org', name: 'é' }]);
});

test('a missing file is a usage error that names it', async () => {
  const missing = join(folder, 'none');
  await expect(read(missing)).rejects.toThrow(
    new UsageError(`${missing}: can't be read (ENOENT); name a file that can`),
  );
  await expect(read(folder)).rejects.toThrow(UsageError);
  await expect(read(missing, { overrides: join(folder, 'no.toml') })).rejects.toThrow('no.toml');
});

test.each<[string, RequestListener, string]>([
  ['an error page', (_, response) => response.writeHead(503).end(XML), 'HTTP status 503'],
  [
    'a cut body',
    (_, response) => response.writeHead(200, { 'content-length': 999 }).write(XML, () => response.destroy()),
    '',
  ],
  [
    'a flood',
    (_, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 32);
      const more = () => response.write(chunk, (error) => error ?? more());
      more();
    },
    'more than 16777216 bytes',
  ],
])('%s is a run error', async (_, answer, reason) => {
  const url = await serve(answer);
  const error = await read(url).catch((e) => e);
  expect(error).toBeInstanceOf(RunError);
  expect(error.message).toContain(`${url}: can't be downloaded: ${reason}`);
});

test('a server that does not answer is given up in time, and on request', async () => {
  const url = await serve(() => {});
  await expect(read(url, { timeoutMs: 50 })).rejects.toThrow('not done in 50 ms');
  await expect(read(url, { signal: AbortSignal.timeout(50) })).rejects.toThrow('interrupted');
  server?.closeAllConnections();
  server?.close();
  await expect(read(url)).rejects.toThrow(RunError);
});
