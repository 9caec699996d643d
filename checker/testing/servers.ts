import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon } from '../../demo/daemon.ts';
import { freePort } from '../../demo/free-port.ts';
import { keep } from '../../test/keep.ts';

export interface TestServer {
  readonly port: number;
  /** What it serves, with a slash at its end. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Writes files with the given sizes in bytes below a folder. */
export function plantFiles(root: string, sizes: Readonly<Record<string, number>>): void {
  for (const [path, sizeBytes] of Object.entries(sizes)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), Buffer.alloc(sizeBytes));
  }
}

async function startServer(command: readonly [string, ...string[]], port: number, url: string, folder: string) {
  const daemon = await startDaemon({ command, ports: [port] });
  const close = async () => {
    await daemon.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, url, close };
}

/** A real nginx over a folder; `directives` go into its server block. */
export async function startNginx(root: string, directives = ''): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
  const port = await freePort();
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 256; }
    http { access_log off; ${temps.join(' ')}
      server { listen 127.0.0.1:${port}; root ${root}; autoindex on; ${directives} } }`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const command = ['nginx', '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')] as const;
  return startServer(command, port, `http://127.0.0.1:${port}/`, folder);
}

/** A real rsync daemon with the folder as the module `tree`, which may have further `settings`, a line each. */
export async function startRsyncDaemon(root: string, settings: readonly string[] = []): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'rsyncd-'));
  const port = await freePort();
  const all = [`port = ${port}`, 'address = 127.0.0.1', 'use chroot = no', `log file = ${folder}/log`];
  const tree = ['[tree]', `path = ${root}`, `lock file = ${folder}/lock`, ...settings];
  const config = [...all, ...tree, ''].join('\n');
  writeFileSync(join(folder, 'rsyncd.conf'), config);
  const command = ['rsync', '--daemon', '--no-detach', `--config=${join(folder, 'rsyncd.conf')}`] as const;
  return startServer(command, port, `rsync://127.0.0.1:${port}/tree/`, folder);
}

/** What a scripted server does with a request: `nth` counts from 1 on its connection, `asked` over all of them. */
export type Responder = (socket: Socket, path: string, nth: number, asked: number, method: string) => void;

export interface ScriptedServer extends TestServer {
  /** Connections accepted so far, and those open now. */
  readonly accepted: () => number;
  readonly open: () => number;
  readonly paths: readonly string[];
  /** Of the same requests. */
  readonly methods: readonly string[];
}

/** A server on bare sockets that does as it is told: for each request's head it calls `respond`. */
export async function startScripted(respond: Responder, onConnect?: (socket: Socket) => void): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const paths: string[] = [];
  const methods: string[] = [];
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    onConnect?.(socket);
    let rest = '';
    let nth = 0;
    socket.on('data', (chunk) => {
      const heads = (rest + chunk.toString('latin1')).split('\r\n\r\n');
      rest = heads.pop() as string;
      for (const head of heads) {
        if (socket.destroyed || socket.writableEnded) return;
        const [method, path] = head.split(' ') as [string, string];
        paths.push(path);
        methods.push(method);
        respond(socket, path, ++nth, paths.length, method);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  return { port, url, close, accepted: () => accepted, open: () => sockets.size, paths, methods };
}

/** One that is closed when the test has finished in which it is started. */
export async function scripted(respond: Responder, onConnect?: (socket: Socket) => void): Promise<ScriptedServer> {
  return keep(await startScripted(respond, onConnect));
}

/** The text of an answer to HEAD. */
export function answer(status: number, headers: Readonly<Record<string, string | number>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n`;
}

/** As a mirror should: 404 for what the checker makes up, else `status` and headers. */
export function orNotFound(path: string, there: string): string {
  return path.includes('no-such-file') ? answer(404, { 'Content-Length': 0 }) : there;
}

/** As a mirror that holds every file, of so many bytes. */
export function fine(path: string, sizeBytes = 7): string {
  return orNotFound(path, answer(200, { 'Content-Length': sizeBytes }));
}
