import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon } from '../../demo/daemon.ts';
import { freePort } from '../../demo/free-port.ts';
import type { Program } from '../debian-packages.ts';
import { startNginx } from './nginx.ts';

/** A server program that shows index pages in one of its dialects, as its package installs it. */
export interface IndexServer {
  readonly programs: readonly Program[];
  /** Serves a folder that everybody may read. */
  start(root: string): Promise<{ readonly url: string; close(): Promise<void> }>;
}

/** By `<server>-<dialect>`. */
export const INDEX_SERVERS: Readonly<Record<string, IndexServer>> = {
  'nginx-exact': nginx('autoindex_localtime off;'),
  'nginx-rounded': nginx('autoindex_exact_size off;'),
  'fancyindex-exact': fancyindex('fancyindex_exact_size on;'),
  'fancyindex-rounded': fancyindex('fancyindex_exact_size off;'),
  'apache-plain': apache('-FancyIndexing'),
  'apache-fancy': apache('FancyIndexing'),
  'apache-table': apache('FancyIndexing HTMLTable SuppressDescription'),
  lighttpd: { programs: ['lighttpd'], start: (root) => startLighttpd(root) },
  caddy: { programs: ['caddy'], start: startCaddy },
  python: { programs: ['python3'], start: startPython },
};

function nginx(directives: string): IndexServer {
  return { programs: ['nginx'], start: (root) => startNginxSite(root, directives, []) };
}

function fancyindex(directives: string): IndexServer {
  const inLocation = `location / { autoindex off; fancyindex on; ${directives} }`;
  const modules = ['ngx_http_fancyindex_module.so'] as const;
  return { programs: ['nginx', ...modules], start: (root) => startNginxSite(root, inLocation, modules) };
}

async function startNginxSite(root: string, directives: string, modules: readonly string[]) {
  const { sites, close } = await startNginx([{ root, directives }], { modules });
  return { url: sites[0]?.httpUrl as string, close };
}

function apache(options: string): IndexServer {
  const configOf = (root: string, port: number, folder: string) => `
ServerName localhost
ServerRoot ${folder}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
Listen 127.0.0.1:${port}
User www-data
Group www-data
${['mpm_event', 'authz_core', 'alias', 'autoindex', 'dir'].map(apacheModule).join('\n')}
DocumentRoot ${root}
Alias /icons/ ${folder}/
IndexOptions ${options} VersionSort
# What Debian's autoindex.conf sets.
DefaultIcon /icons/unknown.gif
AddIcon /icons/folder.gif ^^DIRECTORY^^
IndexIgnore .??* *~ *# RCS CVS *,v *,t
ReadmeName README.html
HeaderName HEADER.html
<Directory ${root}>
  Options Indexes FollowSymLinks
  Require all granted
</Directory>
`;
  return {
    programs: ['apache2'],
    start: (root) =>
      startWithConfig('apache2', configOf, root, (file) => ['apache2', '-D', 'FOREGROUND', '-f', file], {}),
  };
}

function apacheModule(name: string): string {
  return `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`;
}

/** That it may hold open, whatever the machine allows. */
export const LIGHTTPD_MOST_FILES = 16_384;

/** `mostFiles`: that it may hold open. */
export function startLighttpd(root: string, mostFiles = LIGHTTPD_MOST_FILES) {
  const configOf = (_: string, port: number) => `
server.document-root = "${root}"
server.bind = "127.0.0.1"
server.port = ${port}
server.max-fds = ${mostFiles}
server.modules = ( "mod_dirlisting" )
dir-listing.activate = "enable"
dir-listing.encoding = "utf-8"
`;
  return startWithConfig('lighttpd', configOf, root, (file) => ['lighttpd', '-D', '-f', file], {});
}

function startCaddy(root: string) {
  const configOf = (_: string, port: number) => `
{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  root * ${root}
  file_server browse
}
`;
  const command = (file: string) => ['caddy', 'run', '--config', file, '--adapter', 'caddyfile'];
  return startWithConfig('caddy', configOf, root, command, { home: true });
}

async function startPython(root: string) {
  const port = await freePort();
  const flags = ['-m', 'http.server', '--bind', '127.0.0.1', '--directory', root, String(port)];
  const { close } = await startDaemon({ command: ['env', 'TZ=UTC', 'python3', ...flags], ports: [port] });
  return { url: `http://127.0.0.1:${port}/`, close };
}

async function startWithConfig(
  name: string,
  configOf: (root: string, port: number, folder: string) => string,
  root: string,
  commandOf: (configFile: string) => readonly string[],
  { home = false },
) {
  const folder = await mkdtemp(join(tmpdir(), `redirector-${name}-`));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    // Started by root, some serve as another user.
    await chmod(folder, 0o755);
    if (home) await mkdir(join(folder, 'home'));
    const port = await freePort();
    const file = join(folder, 'config');
    await writeFile(file, configOf(root, port, folder));
    const env = [
      'TZ=UTC',
      ...(home ? ['HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'].map((key) => `${key}=${join(folder, 'home')}`) : []),
    ];
    const daemon = await startDaemon({ command: ['env', ...env, ...commandOf(file)], ports: [port] });
    const close = async () => {
      await daemon.close();
      await remove();
    };
    return { url: `http://127.0.0.1:${port}/`, close };
  } catch (error) {
    await remove();
    throw error;
  }
}
