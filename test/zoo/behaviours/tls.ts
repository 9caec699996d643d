import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type SecureContextOptions, type Server } from 'node:tls';
import { startNginx } from '../../servers/nginx.ts';
import { type CertificateOptions, makeCertificate } from '../../servers/tls.ts';
import { ALL_PROVEN, asCopied, type Behaviour, downBecause, none, type Started, unproven } from '../behaviour.ts';
import { type Act, say, scripted } from '../scripted-http.ts';
import type { ZooTree } from '../zoo-tree.ts';

const NGINX_TLS = { protocol: 'https', programs: ['nginx', 'openssl'] } as const;

/** nginx with a certificate of an authority that the check trusts. */
function nginx(certificate: CertificateOptions) {
  return async ({ copy }: ZooTree) => {
    const { sites, caFile, close } = await startNginx([{ root: copy, protocols: ['https'] }], { certificate });
    return { url: sites[0]?.httpsUrl as string, close, env: { NODE_EXTRA_CA_CERTS: caFile as string } };
  };
}

async function asHttps(started: ReturnType<ReturnType<typeof scripted>>) {
  const server = await started;
  return { ...server, url: server.url.replace('http:', 'https:') };
}

/** After three hundred answers it shows a certificate for another name, and all connections end. */
async function changingCertificate(zoo: ZooTree): Promise<Started> {
  const folders = [1, 2].map(() => mkdtempSync(join(zoo.folder, 'tls-'))) as [string, string];
  const good = await makeCertificate(folders[0]);
  const bad = await makeCertificate(folders[1], { names: 'DNS:other.example.org' });
  const [first, then] = [good, bad].map(({ keyFile, certificateFile }) => ({
    key: readFileSync(keyFile),
    cert: readFileSync(certificateFile),
  })) as [SecureContextOptions, SecureContextOptions];
  const caFile = join(folders[0], 'both.pem');
  writeFileSync(caFile, [good, bad].map(({ caFile }) => readFileSync(caFile, 'utf8')).join(''));
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  const listener = (onSocket: (socket: Socket) => void) => {
    server = createServer(first, (socket) => {
      sockets.add(socket);
      onSocket(socket);
    });
    return server;
  };
  const act: Act = (socket, { wire, asked }) => {
    if (asked < 300) say(socket, wire);
    if (asked !== 300) return;
    server?.setSecureContext(then);
    for (const each of sockets) each.destroy();
  };
  const started = await scripted(act, { listener })(zoo);
  return { ...started, url: started.url.replace('http:', 'https:'), env: { NODE_EXTRA_CA_CERTS: caFile } };
}

/** Certificates, and what is no TLS at all. */
export const TLS: readonly Behaviour[] = [
  { name: 'nginx with a good certificate', ...NGINX_TLS, start: nginx({}), truth: asCopied, demand: ALL_PROVEN },
  {
    name: 'nginx whose certificate has expired',
    ...NGINX_TLS,
    start: nginx({ validDays: -1 }),
    truth: unproven,
    demand: downBecause(/^certificate expired$/),
  },
  {
    name: 'nginx whose certificate is for another name',
    ...NGINX_TLS,
    start: nginx({ names: 'DNS:other.example.org' }),
    truth: unproven,
    demand: downBecause(/^certificate is for another name$/),
  },
  {
    name: 'nginx whose certificate is self-signed',
    ...NGINX_TLS,
    start: nginx({ isSelfSigned: true }),
    truth: unproven,
    demand: downBecause(/^certificate is self-signed$/),
  },
  {
    name: 'changes its certificate midway, to one for another name',
    ...NGINX_TLS,
    programs: ['openssl'],
    start: changingCertificate,
    truth: asCopied,
    demand: { state: 'any', proven: none, reason: /^certificate is for another name$/ },
  },
  {
    name: 'speaks plain HTTP where TLS should be',
    protocol: 'https',
    start: (zoo) =>
      asHttps(scripted(() => {}, { onConnect: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') })(zoo)),
    truth: unproven,
    demand: downBecause(/^(no TLS connection|connection reset|closes the connection)/),
  },
  {
    name: 'never begins TLS',
    protocol: 'https',
    start: (zoo) => asHttps(scripted(() => {})(zoo)),
    truth: unproven,
    demand: downBecause(/^no (connection|answer) within 1 s$/),
    timeoutMs: 1000,
  },
];
