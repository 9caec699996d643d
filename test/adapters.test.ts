import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { BuiltFunction } from '../core/function-event.ts';
import { startDaemon } from '../demo/daemon.ts';
import { freePort } from '../demo/free-port.ts';
import { loadBuiltFunction, parseKeys } from '../edge-shim/built-function.ts';
import { bundleFunction, bundleNginx, bundleNode, lambdaPackage, MAX_LAMBDA_BYTES } from '../edge-shim/bundle.ts';
import { readGeo } from '../edge-shim/geo-file.ts';
import { trustedProxies } from '../edge-shim/http-event.ts';
import { nginxConfig, nginxKeys } from '../edge-shim/nginx-config.ts';
import { type EdgeServerOptions, startEdgeServer } from '../edge-shim/server.ts';
import { requires } from './debian-packages.ts';
import { fleetEvidence } from './fleet.ts';
import { mmdbOf } from './mmdb.ts';
import { NGINX_MODULES } from './servers/nginx.ts';
import { FALLBACK, inventoryOf, mapsOf } from './small-build.ts';
import { type AdapterRequest, adapterSuite, importForm, type RunningAdapter } from './suites/adapter.ts';

const work = mkdtempSync(join(tmpdir(), 'redirector-adapters-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
let folders = 0;
function newFolder(): string {
  const folder = join(work, String(folders++));
  mkdirSync(folder);
  return folder;
}

const rawQuery = (query: AdapterRequest['query']) =>
  Object.entries(query)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&');
const headersOf = ({ country, subdivision, scheme }: AdapterRequest): Record<string, string> => ({
  ...(country === '' ? {} : { 'cloudfront-viewer-country': country }),
  ...(subdivision === '' ? {} : { 'cloudfront-viewer-country-region': subdivision }),
  'cloudfront-forwarded-proto': scheme,
});

/** Asks a server as a trusted proxy would. */
function askOver(url: string): RunningAdapter['ask'] {
  const agent = new Agent({ keepAlive: true });
  return (request) =>
    new Promise((resolve, reject) => {
      const query = rawQuery(request.query);
      const { port, hostname } = new URL(url);
      const sent = httpRequest(
        {
          agent,
          hostname,
          port,
          method: request.method,
          path: request.path + (query === '' ? '' : `?${query}`),
          headers: {
            ...headersOf(request),
            'x-forwarded-for': `203.0.113.9, ${request.ip}`,
            'x-forwarded-proto': request.scheme,
          },
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (chunk) => {
            body += chunk;
          });
          response.on('end', () =>
            resolve({
              status: response.statusCode as number,
              headers: response.headers as Record<string, string>,
              body,
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end();
    });
}

adapterSuite({
  name: 'the CloudFront Function',
  tellsPlace: true,
  passesAnyPath: true,
  start: async (keys, fallback) => {
    const run: BuiltFunction = loadBuiltFunction(
      await bundleFunction(fallback),
      parseKeys(keys, 'kvs.json'),
      'function.js',
    );
    return {
      ask: async (request) => {
        const valued = (values: Record<string, string>) =>
          Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
        const { statusCode, headers, body } = await run({
          version: '1.0',
          context: { eventType: 'viewer-request' },
          viewer: { ip: request.ip },
          request: {
            method: request.method,
            uri: request.path,
            querystring: valued(request.query),
            headers: valued(headersOf(request)),
            cookies: {},
          },
        });
        return {
          status: statusCode,
          headers: Object.fromEntries(Object.entries(headers).map(([name, { value }]) => [name, value])),
          body: body ?? '',
        };
      },
      close: async () => {},
    };
  },
});

interface LambdaAnswer {
  readonly status: string;
  readonly headers: Record<string, { readonly value: string }[]>;
  readonly body?: string;
}

for (const eventType of ['origin-request', 'viewer-request'] as const) {
  adapterSuite({
    name: `the Lambda@Edge package at the ${eventType} event`,
    // CloudFront adds its headers behind the viewer-request event.
    tellsPlace: eventType === 'origin-request',
    passesAnyPath: true,
    start: async (keys, fallback) => {
      const folder = newFolder();
      writeFileSync(join(folder, 'package.zip'), await lambdaPackage(keys, fallback));
      execFileSync(process.execPath, ['-e', UNZIP, join(folder, 'package.zip'), folder]);
      const { handler } = createRequire(import.meta.url)(join(folder, 'index.js'));
      return {
        ask: async (request) => {
          const known = eventType === 'origin-request' ? headersOf(request) : {};
          const cf = {
            config: { eventType },
            request: {
              clientIp: request.ip,
              method: request.method,
              uri: request.path,
              querystring: rawQuery(request.query),
              headers: Object.fromEntries(Object.entries(known).map(([key, value]) => [key, [{ key, value }]])),
            },
          };
          const { status, headers, body }: LambdaAnswer = await handler({ Records: [{ cf }] });
          const flat = Object.entries(headers).map(([name, values]) => [name, values[0]?.value as string]);
          return { status: Number(status), headers: Object.fromEntries(flat), body: body ?? '' };
        },
        close: async () => {},
      };
    },
  });
}

/** An unzip that trusts the central directory alone, as Lambda's does. */
const UNZIP = `
const { readFileSync, writeFileSync } = require('fs');
const zip = readFileSync(process.argv[1]);
const end = zip.lastIndexOf(Buffer.from('PK\\x05\\x06'));
let at = zip.readUInt32LE(end + 16);
for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
  const nameLength = zip.readUInt16LE(at + 28);
  const name = zip.toString('latin1', at + 46, at + 46 + nameLength);
  const local = zip.readUInt32LE(at + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26);
  const content = require('zlib').inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(at + 20)));
  if (require('zlib').crc32(content) !== zip.readUInt32LE(at + 16) || content.length !== zip.readUInt32LE(at + 24)) throw new Error(name);
  writeFileSync(process.argv[2] + '/' + name, content);
  at += 46 + nameLength;
}`;

adapterSuite({
  name: 'the OpenFaaS function',
  tellsPlace: true,
  passesAnyPath: true,
  start: async (keys, fallback) => {
    const folder = newFolder();
    writeFileSync(join(folder, 'handler.js'), await bundleNode('openfaas', fallback));
    writeFileSync(join(folder, 'kvs.json'), keys);
    const handle = createRequire(import.meta.url)(join(folder, 'handler.js'));
    return {
      ask: async (request) => {
        const answer = { status: 0, headers: {} as Record<string, string>, body: '' };
        const context = {
          status: (code: number) => {
            answer.status = code;
            return context;
          },
          headers: (values: Record<string, string>) => {
            answer.headers = values;
            return context;
          },
          succeed: (body: string) => {
            answer.body = body;
          },
        };
        const headers = { ...headersOf(request), 'x-forwarded-for': request.ip, 'x-forwarded-proto': request.scheme };
        await handle({ method: request.method, path: request.path, query: request.query, headers }, context);
        return answer;
      },
      close: async () => {},
    };
  },
});

function serverOptions(keys: string, over: Partial<EdgeServerOptions> = {}): EdgeServerOptions {
  const keysFile = join(newFolder(), 'kvs.json');
  writeFileSync(keysFile, keys);
  return {
    keysFile,
    fallback: FALLBACK,
    host: '127.0.0.1',
    port: 0,
    trustedProxies: ['127.0.0.1'],
    geoFile: null,
    note: () => {},
    ...over,
  };
}

adapterSuite({
  name: 'the Node server',
  tellsPlace: true,
  passesAnyPath: false,
  start: async (keys, fallback) => {
    const server = await startEdgeServer(serverOptions(keys, { fallback }));
    return { ask: askOver(server.url), close: server.close };
  },
});

adapterSuite(
  {
    name: 'nginx with njs',
    tellsPlace: true,
    passesAnyPath: false,
    start: async (keys, fallback) => {
      const folder = newFolder();
      const port = await freePort();
      writeFileSync(join(folder, 'redirector.js'), await bundleNginx(fallback));
      writeFileSync(join(folder, 'keys.json'), nginxKeys(keys, 'kvs.json'));
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
        .join('\n');
      const config = nginxConfig({ folder, listen: `127.0.0.1:${port}`, trustedProxies: ['127.0.0.1'] });
      const user = process.getuid?.() === 0 ? 'user root;' : '';
      writeFileSync(
        join(folder, 'nginx.conf'),
        `load_module ${join(NGINX_MODULES, 'ngx_http_js_module.so')};\ndaemon off; ${user} pid ${join(folder, 'nginx.pid')}; error_log stderr warn;
        events {}\nhttp { access_log off; large_client_header_buffers 4 16k; ${temporary}\n${config} }`,
      );
      const daemon = await startDaemon({
        command: ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')],
        ports: [port],
      });
      return { ask: askOver(`http://127.0.0.1:${port}/`), close: () => daemon.close() };
    },
  },
  requires('nginx', 'ngx_http_js_module.so'),
);

const base: AdapterRequest = {
  method: 'GET',
  path: '/distfiles/ab/pkg-1%252F%2B%23.zip',
  query: { mirrorlist: '' },
  ip: '192.0.2.1',
  country: '',
  subdivision: '',
  scheme: 'https',
};

describe('the Lambda@Edge package', () => {
  it('holds the map of 149,000 objects and a large fleet in 1 MB', { timeout: 120_000 }, async () => {
    const inventory = inventoryOf(Array.from({ length: 149_000 }, (_, i) => `distfiles/${i.toString(16)}.tar.xz`));
    const { keys } = mapsOf(inventory, fleetEvidence(149_000, 100));
    const data = keys.map(([key, value]) => ({ key, value }));
    const zip = await lambdaPackage(JSON.stringify({ data }), FALLBACK);
    expect(zip.length).toBeLessThanOrEqual(MAX_LAMBDA_BYTES);
    expect(zip.length).toBeGreaterThan(500_000);
  });

  it('is refused where it is larger', async () => {
    const noise = Array.from({ length: 90_000 }, (_, i) => ({
      key: `${i}`,
      value: `${Math.imul(i, 2654435761)}${Math.imul(i + 7, 40503)}`,
    }));
    await expect(lambdaPackage(JSON.stringify({ data: noise }), FALLBACK)).rejects.toThrow(
      /package has \d+ bytes, more than 1000000/,
    );
  });
});

describe('the Node server', () => {
  const listFrom = async (url: string, headers: Record<string, string>) =>
    (await fetch(`${url}distfiles/ab/pkg-1%252F%2B%23.zip`, { redirect: 'manual', headers })).headers.get(
      'x-redirector',
    );

  it('takes over a new build without dropping a request, and keeps the old one where the new one is torn', async () => {
    const notes: string[] = [];
    const options = serverOptions(importForm, { note: (line) => notes.push(line) });
    const server = await startEdgeServer(options);
    const ask = askOver(server.url);
    const replace = (text: string) => {
      writeFileSync(`${options.keysFile}.new`, text);
      renameSync(`${options.keysFile}.new`, options.keysFile);
    };
    const request = { ...base, path: '/distfiles/ab/pkg-2%252F%2B%23.zip', country: 'DE' };
    const until = async (isDone: (location: string) => boolean) => {
      for (;;) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => ask({ ...request, query: {} })));
        for (const { status } of answers) expect(status).toBe(302);
        if (answers.every(({ headers }) => isDone(headers['location'] as string))) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await until((location) => location.startsWith('https://de.example.org/'));
    replace(importForm.replaceAll('de.example.org', 'moved.example.org'));
    await until((location) => location.startsWith('https://moved.example.org/'));
    replace('{"data":[');
    while (notes.length === 0) {
      await until((location) => location.startsWith('https://moved.example.org/'));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/not a key file .* what was there before stays in force/);
    await server.close();
  });

  it('believes X-Forwarded-For from trusted proxies alone, and its last foreign address', async () => {
    const geoFile = join(newFolder(), 'geo.mmdb');
    writeFileSync(
      geoFile,
      mmdbOf({ '198.51.100.0/24': place('JP'), '127.0.0.0/8': place('US'), '1.0.0.0/8': place('BR') }),
    );
    const trusting = await startEdgeServer(
      serverOptions(importForm, { geoFile, trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] }),
    );
    const wary = await startEdgeServer(serverOptions(importForm, { geoFile, trustedProxies: [] }));
    const forwarded = { 'x-forwarded-for': '1.1.1.1, 198.51.100.7, 10.1.2.3', 'x-forwarded-proto': 'https' };
    expect(await listFrom(trusting.url, forwarded)).toContain('region=JP');
    expect(await listFrom(wary.url, forwarded)).toContain('region=US');
    expect(await listFrom(trusting.url, { 'x-forwarded-for': 'unknown, <x>' })).toContain('region=US');
    await Promise.all([trusting.close(), wary.close()]);
  });

  it('says what is wrong with its options', async () => {
    expect(() => trustedProxies(['10.0.0.0/33'])).toThrow('trusted proxy "10.0.0.0/33": not an address or network');
    expect(() => trustedProxies(['proxy.example'])).toThrow('not an address or network such as "10.0.0.0/8"');
    await expect(startEdgeServer({ ...serverOptions('{}'), keysFile: join(work, 'none') })).rejects.toThrow(
      'run "redirector run" first',
    );
    const server = await startEdgeServer(serverOptions(importForm));
    await expect(
      startEdgeServer(serverOptions(importForm, { port: Number(new URL(server.url).port) })),
    ).rejects.toThrow('choose another port');
    await server.close();
  });
});

const place = (country: string, subdivision?: string) => ({
  country: { iso_code: country, names: { en: 'somewhere' } },
  ...(subdivision === undefined ? {} : { subdivisions: [{ iso_code: subdivision }] }),
});

describe('a GeoIP file', () => {
  const networks = {
    '192.0.2.0/24': place('US', 'WA'),
    '198.51.100.128/25': place('DE'),
    '2001:db8:7::/48': place('JP'),
  };
  const locate = readGeo(mmdbOf(networks), 'geo.mmdb');

  it.each([
    ['192.0.2.1', 'US', 'WA'],
    ['192.0.3.1', '', ''],
    ['198.51.100.129', 'DE', ''],
    ['198.51.100.127', '', ''],
    ['2001:db8:7::1', 'JP', ''],
    ['2001:db8:7:ffff:1:2:3:4', 'JP', ''],
    ['2001:db8:8::1', '', ''],
    ['no address', '', ''],
    ['', '', ''],
  ])('%s: %s %s', (ip, country, subdivision) => {
    expect(locate(ip)).toEqual({ country, subdivision });
    // Out of the cache, too.
    expect(locate(ip)).toEqual({ country, subdivision });
  });

  it('of IPv4 alone knows no IPv6 address', () => {
    const ipv4 = readGeo(mmdbOf({ '32.0.0.0/8': place('US') }, { ipVersion: 4 }), 'geo.mmdb');
    expect(ipv4('32.1.2.3').country).toBe('US');
    expect(ipv4('2001:db8::1').country).toBe('');
  });

  it('with records of another kind tells nothing', () => {
    const odd = readGeo(mmdbOf({ '192.0.2.0/24': { country: { iso_code: 7 } }, '10.0.0.0/8': 'x' }), 'geo.mmdb');
    expect(odd('192.0.2.1')).toEqual({ country: '', subdivision: '' });
    expect(odd('10.0.0.1')).toEqual({ country: '', subdivision: '' });
  });

  it.each([
    ['empty', Buffer.alloc(0), 'geo.mmdb: not a GeoIP file'],
    ['a text', Buffer.from('Country,City\n'), 'geo.mmdb: not a GeoIP file'],
    ['torn', mmdbOf(networks).subarray(0, 900), 'geo.mmdb: not a GeoIP file'],
    ['its end alone', mmdbOf(networks).subarray(300), 'geo.mmdb: not a GeoIP file of format 2, or a torn one'],
    [
      'of networks',
      mmdbOf(networks, { databaseType: 'GeoLite2-ASN' }),
      'geo.mmdb: is "GeoLite2-ASN"; a file of countries',
    ],
  ])('that is %s is refused', (_, bytes, sentence) => {
    expect(() => readGeo(bytes, 'geo.mmdb')).toThrow(sentence);
  });
});
