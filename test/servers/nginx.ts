import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon } from '../../demo/daemon.ts';
import { freePort } from '../../demo/free-port.ts';
import { type Certificate, type CertificateOptions, makeCertificate } from './tls.ts';

export interface NginxSite {
  readonly root: string;
  /** Default: http alone. */
  readonly protocols?: readonly ('http' | 'https')[];
  /** https over HTTP/2 too. */
  readonly http2?: boolean;
  /** Requests after which nginx cuts a connection; nginx's own default is 1,000. */
  readonly keepaliveRequests?: number;
  /** Index pages for directories. Default: true. */
  readonly indexes?: boolean;
  /** Directives put into the site's server block as they are. */
  readonly directives?: string;
}

export interface Nginx {
  /** The roots of the sites in their order, each with a trailing slash. */
  readonly sites: readonly { readonly httpUrl: string | null; readonly httpsUrl: string | null }[];
  /** What clients must trust; null where no site has https. */
  readonly caFile: string | null;
  /** Leaves no process and no file behind. */
  close(): Promise<void>;
}

/** Where Debian's packages put nginx's modules. */
export const NGINX_MODULES = '/usr/lib/nginx/modules';

/** What all sites of one nginx share. */
export interface NginxOptions {
  readonly certificate?: CertificateOptions;
  /** Dynamic modules, by their file names. */
  readonly modules?: readonly string[];
}

/** Starts one nginx with all sites on free ports of 127.0.0.1. Throws RunError with what nginx said where it fails. */
export async function startNginx(
  sites: readonly NginxSite[],
  { certificate: certificateOptions = {}, modules = [] }: NginxOptions = {},
): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'redirector-nginx-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const placed = await Promise.all(sites.map(place));
    const hasTls = placed.some(({ httpsPort }) => httpsPort !== null);
    const certificate = hasTls ? await makeCertificate(folder, certificateOptions) : null;
    const config = join(folder, 'nginx.conf');
    await writeFile(config, configText(folder, placed, certificate, modules));
    const daemon = await startDaemon({
      command: ['nginx', '-p', folder, '-c', config],
      ports: placed.flatMap(({ httpPort, httpsPort }) => [httpPort, httpsPort]).filter((port) => port !== null),
    });
    return {
      sites: placed.map(({ httpPort, httpsPort }) => ({
        httpUrl: httpPort === null ? null : `http://127.0.0.1:${httpPort}/`,
        httpsUrl: httpsPort === null ? null : `https://127.0.0.1:${httpsPort}/`,
      })),
      caFile: certificate?.caFile ?? null,
      close: async () => {
        await daemon.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

interface PlacedSite {
  readonly site: NginxSite;
  readonly httpPort: number | null;
  readonly httpsPort: number | null;
}

async function place(site: NginxSite): Promise<PlacedSite> {
  const protocols = site.protocols ?? ['http'];
  return {
    site,
    httpPort: protocols.includes('http') ? await freePort() : null,
    httpsPort: protocols.includes('https') ? await freePort() : null,
  };
}

function configText(
  folder: string,
  sites: readonly PlacedSite[],
  certificate: Certificate | null,
  modules: readonly string[],
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  // Started by root, its workers would be somebody who may not enter a temporary folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const loaded = modules.map((module) => `load_module ${join(NGINX_MODULES, module)};`);
  return `daemon off; ${user}
${loaded.join('\n')}
worker_processes 2;
pid ${join(folder, 'nginx.pid')};
error_log stderr warn;
events { worker_connections 2048; }
http {
  access_log off;
  default_type application/octet-stream;
  ${temporary.join('\n  ')}
${sites.map((placed) => serverBlock(placed, certificate)).join('\n')}
}
`;
}

function serverBlock({ site, httpPort, httpsPort }: PlacedSite, certificate: Certificate | null): string {
  const lines = [
    `root "${site.root}";`,
    `autoindex ${site.indexes === false ? 'off' : 'on'};`,
    ...(httpPort === null ? [] : [`listen 127.0.0.1:${httpPort} backlog=1024;`]),
    ...(httpsPort === null || certificate === null
      ? []
      : [
          `listen 127.0.0.1:${httpsPort} ssl${site.http2 === true ? ' http2' : ''} backlog=1024;`,
          `ssl_certificate ${certificate.certificateFile};`,
          `ssl_certificate_key ${certificate.keyFile};`,
        ]),
    ...(site.keepaliveRequests === undefined ? [] : [`keepalive_requests ${site.keepaliveRequests};`]),
    site.directives ?? '',
  ];
  return `  server {\n    ${lines.join('\n    ')}\n  }`;
}
