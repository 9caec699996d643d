import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BuiltFunction } from '../core/function-event.ts';
import { startDaemon } from '../demo/daemon.ts';
import { freePort } from '../demo/free-port.ts';
import { loadBuiltFunction, parseKeys } from '../edge-shim/built-function.ts';
import { bundleFunction, bundleNginx, bundleNode, lambdaPackage } from '../edge-shim/bundle.ts';
import { nginxConfig, nginxKeys } from '../edge-shim/nginx-config.ts';
import { startEdgeServer } from '../edge-shim/server.ts';
import { askOver, headersOf, rawQuery } from './adapter-requests.ts';
import { requires } from './debian-packages.ts';
import { edgeServerOptions } from './edge-server-options.ts';
import { numberedFolders } from './numbered-folders.ts';
import { NGINX_MODULES } from './servers/nginx.ts';
import { adapterSuite } from './suites/adapter.ts';

const newFolder = numberedFolders('adapters');

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

adapterSuite({
  name: 'the Node server',
  tellsPlace: true,
  passesAnyPath: false,
  start: async (keys, fallback) => {
    const server = await startEdgeServer(edgeServerOptions(newFolder(), keys, { fallback }));
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
