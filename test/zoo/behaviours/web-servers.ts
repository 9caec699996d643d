import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../demo/free-port.ts';
import { INDEX_SERVERS, type IndexServer } from '../../servers/index-servers.ts';
import { startNginx } from '../../servers/nginx.ts';
import {
  ALL_PROVEN,
  all,
  asCopied,
  type Behaviour,
  type Demand,
  downBecause,
  type Started,
  unproven,
} from '../behaviour.ts';
import type { ZooObject, ZooTree } from '../zoo-tree.ts';

const PROTOCOL = 'http';
const NGINX = { protocol: PROTOCOL, programs: ['nginx'] } as const;

function nginx(directives: string, keepaliveRequests = 1000) {
  return async ({ copy }: ZooTree): Promise<Started> => {
    const { sites, close } = await startNginx([{ root: copy, directives, keepaliveRequests }]);
    return { url: sites[0]?.httpUrl as string, close };
  };
}

/** A server as its package installs it, over the mirror's copy. */
function asInstalled(name: string, key: string): Behaviour {
  const { programs, start } = INDEX_SERVERS[key] as IndexServer;
  return {
    name,
    protocol: PROTOCOL,
    programs,
    start: ({ copy }) => start(copy),
    truth: asCopied,
    demand: ALL_PROVEN,
  };
}

async function onIpv6({ copy }: ZooTree): Promise<Started> {
  const port = await freePort();
  const { close } = await startNginx([{ root: copy, directives: `listen [::1]:${port} ipv6only=on;` }]);
  return { url: `http://[::1]:${port}/`, close };
}

/** The copy, but where its snapshots should be, a link leads to itself. */
async function withCircle(zoo: ZooTree): Promise<Started> {
  const folder = mkdtempSync(join(zoo.folder, 'circle-'));
  for (const top of ['releases', 'experimental', 'distfiles']) symlinkSync(join(zoo.copy, top), join(folder, top));
  symlinkSync('snapshots', join(folder, 'snapshots'));
  const { sites, close } = await startNginx([{ root: folder }]);
  const closeAll = async () => {
    await close();
    rmSync(folder, { recursive: true });
  };
  return { url: sites[0]?.httpUrl as string, close: closeAll };
}

const isIn = (top: string, { path }: ZooObject) => path === top || path.startsWith(`${top}/`);
const isOutside = (top: string) => (object: ZooObject) => !isIn(top, object);
/** Apache answers 403 to links that lead nowhere. */
const APACHE_PROVEN: Demand = {
  state: 'up',
  proven: ({ isLink, copy }) => !isLink || copy !== 'absent',
  reason: /^answers 403 \(forbidden\) to a link whose end is not there, as Apache does$/,
};
/** lighttpd refuses control characters and bytes that are no UTF-8. */
const isPlain = ({ name }: ZooObject) => !/[^ -~]/.test(name);

/** Real web servers over the mirror's copy, as they are installed and with what administrators make of them. */
export const WEB_SERVERS: readonly Behaviour[] = [
  asInstalled('nginx: files missing, files a byte longer, all times nine hours off', 'nginx-exact'),
  asInstalled('nginx with rounded sizes', 'nginx-rounded'),
  { ...asInstalled('Apache, whose index leaves out names', 'apache-fancy'), demand: APACHE_PROVEN },
  { ...asInstalled('Apache with plain lists of names', 'apache-plain'), demand: APACHE_PROVEN },
  { ...asInstalled('lighttpd', 'lighttpd'), demand: { state: 'up', proven: isPlain } },
  {
    name: 'nginx on ::1 alone',
    ...NGINX,
    start: onIpv6,
    truth: asCopied,
    demand: ALL_PROVEN,
  },
  {
    name: 'nginx that closes after seven requests',
    ...NGINX,
    start: nginx('', 7),
    truth: asCopied,
    demand: ALL_PROVEN,
    deadlineMs: 180_000,
  },
  {
    name: 'nginx that sends every name that is not there to a page with status 200',
    ...NGINX,
    start: nginx('error_page 404 =200 /distfiles/layout.conf;'),
    // The directories are shown by its index pages.
    truth: ({ isDirectory, copy }) => (isDirectory ? copy : 'unproven'),
    demand: downBecause(/^answers 200 to names that don't exist$/),
  },
  {
    name: 'nginx that redirects everybody to a login page',
    ...NGINX,
    start: nginx('location / { return 302 https://login.example.org/?from=$request_uri; }'),
    truth: unproven,
    demand: downBecause(/^redirects \(302\) to "https:\/\/login\.example\.org"/),
  },
  {
    name: 'nginx that redirects to the same path on another mirror',
    ...NGINX,
    start: nginx('location / { return 302 http://other-mirror.example.org$request_uri; }'),
    truth: unproven,
    demand: downBecause(/^redirects \(302\) to "http:\/\/other-mirror\.example\.org"/),
  },
  {
    name: 'nginx that forbids our User-Agent',
    ...NGINX,
    start: nginx('if ($http_user_agent ~ redirector) { return 403; }'),
    truth: asCopied,
    demand: ALL_PROVEN,
  },
  {
    name: 'nginx that forbids everything',
    ...NGINX,
    start: nginx('location / { return 403; }'),
    truth: unproven,
    demand: downBecause(/^answers 403 \(forbidden\)/),
  },
  {
    name: 'nginx that forbids one of the trees',
    ...NGINX,
    start: nginx('location /releases/ { deny all; }'),
    truth: (object) => (isIn('releases', object) ? 'unproven' : object.copy),
    demand: { state: 'failing', proven: isOutside('releases'), reason: /403/ },
  },
  {
    name: 'nginx with a link in a circle in place of a tree',
    ...NGINX,
    start: withCircle,
    truth: (object) => (isIn('snapshots', object) ? 'absent' : object.copy),
    demand: { state: 'any', proven: isOutside('snapshots'), reason: /answers (403|500)/ },
  },
  {
    name: 'nginx that has nothing at all',
    ...NGINX,
    start: nginx('location / { return 404; }'),
    truth: () => 'absent',
    demand: { state: 'any', proven: all },
  },
];
