import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { ALL_PROVEN, asCopied, type Behaviour, downBecause, none, type Started, unproven } from '../behaviour.ts';
import { inFrontOf, type Meddle } from '../front.ts';
import { type RsyncdOptions, startRsyncd } from '../real-rsyncd.ts';
import { say, sayForEver, saySlowly, scripted } from '../scripted-http.ts';
import type { ZooObject, ZooTree } from '../zoo-tree.ts';

const RSYNC = { protocol: 'rsync', programs: ['rsync'] } as const;
const HASTY_MS = 1000;
const GREETING = '@RSYNCD: 31.0 md5 md4\n';
/** So much of the stream is the list of files, in any case. */
const LIST_BYTES = 4000;
/** A message of the multiplexed stream: MSG_IO_ERROR, four bytes, IOERR_VANISHED (rsync's io.c and rsync.h). */
const FILES_VANISHED = Buffer.from([4, 0, 0, 7 + 22, 2, 0, 0, 0]);

const rsyncd =
  (options: RsyncdOptions = {}) =>
  ({ copy }: ZooTree) =>
    startRsyncd(copy, options);
const meddling = (meddle: Meddle) => (zoo: ZooTree) => inFrontOf(startRsyncd(zoo.copy), meddle);

/** Passes on the beginning of the list of files, and then does something of its own. */
const onceListed = (then: (client: Socket) => void): Meddle => {
  return (client, chunk, before) => {
    if (before > LIST_BYTES) return;
    client.write(chunk.subarray(0, LIST_BYTES));
    if (before + chunk.length > LIST_BYTES) then(client);
  };
};

/** The daemon tells at the end of its list that files had vanished while it was read. */
const vanishing: Meddle = (client, chunk, before) => {
  const isLast = before > LIST_BYTES && chunk.length < 100;
  client.write(isLast ? Buffer.concat([FILES_VANISHED, chunk]) : chunk);
};

/** A server on bare sockets, which says something of its own before it is asked. */
function saying(onConnect: (socket: Socket) => void) {
  return async (zoo: ZooTree): Promise<Started> => {
    const server = await scripted(() => {}, { onConnect })(zoo);
    return { ...server, url: `${server.url.replace('http:', 'rsync:')}tree/` };
  };
}

/** Lines as rsync lists files, of those that the copy lacks. */
async function withForgedMotd(zoo: ZooTree): Promise<Started> {
  const lacking = zoo.objects.filter(({ copy, isLink, isDirectory }) => copy === 'absent' && !isLink && !isDirectory);
  const lines = lacking.map(({ name, sizeBytes }) => `-rw-r--r-- ${sizeBytes} 2026/06/30 00:00:00 ${name}`);
  return startRsyncd(zoo.copy, { motd: `\x1b[31mWelcome!\n${lines.join('\n')}\n` });
}

/** A copy of the copy in hard links, where one tree may not be read. */
async function withSecretReleases(zoo: ZooTree): Promise<Started> {
  const folder = join(mkdtempSync(join(zoo.folder, 'secret-')), 'copy');
  execFileSync('cp', ['-al', zoo.copy, folder]);
  execFileSync('chmod', ['755', join(folder, '..')]);
  chmodSync(join(folder, 'releases'), 0);
  const { url, close } = await startRsyncd(folder);
  const closeAll = async () => {
    await close();
    chmodSync(join(folder, 'releases'), 0o755);
    rmSync(join(folder, '..'), { recursive: true });
  };
  return { url, close: closeAll };
}

async function withoutModule(zoo: ZooTree): Promise<Started> {
  const started = await startRsyncd(zoo.copy);
  return { ...started, url: started.url.replace('/tree/', '/no-such-module/') };
}

const isListed = (object: ZooObject) => object.copy !== 'absent';
const isOutsideReleases = ({ path, end }: ZooObject) => !/^releases(\/|$)/.test(path) && !/^releases(\/|$)/.test(end);

/** rsync daemons, real ones as they are and with something in between, and what is none. */
export const RSYNC_DAEMONS: readonly Behaviour[] = [
  { name: 'rsyncd as it is installed', ...RSYNC, start: rsyncd(), truth: asCopied, demand: ALL_PROVEN },
  {
    name: 'rsyncd on ::1 alone',
    ...RSYNC,
    start: ({ copy }) => inFrontOf(startRsyncd(copy), (client, chunk) => client.write(chunk), '::1'),
    truth: asCopied,
    demand: ALL_PROVEN,
  },
  {
    name: 'rsyncd that munges links',
    ...RSYNC,
    start: rsyncd({ directives: ['munge symlinks = yes'] }),
    truth: asCopied,
    demand: { ...ALL_PROVEN, state: 'any' },
  },
  {
    name: 'rsyncd that greets with forged entries',
    ...RSYNC,
    start: withForgedMotd,
    truth: asCopied,
    demand: ALL_PROVEN,
  },
  {
    name: 'rsyncd without such a module',
    ...RSYNC,
    start: withoutModule,
    truth: unproven,
    demand: downBecause(/rsync exit 5: .*Unknown module/),
  },
  {
    name: 'rsyncd that denies us',
    ...RSYNC,
    start: rsyncd({ directives: ['hosts deny = *'] }),
    truth: unproven,
    demand: downBecause(/rsync exit 5: .*access denied/),
  },
  {
    name: 'rsyncd that takes no connections',
    ...RSYNC,
    start: rsyncd({ directives: ['max connections = -1'] }),
    truth: unproven,
    demand: downBecause(/rsync exit 5/),
  },
  {
    name: 'rsyncd that may not read one of its trees (exit 23)',
    ...RSYNC,
    start: withSecretReleases,
    truth: asCopied,
    demand: {
      state: 'failing',
      proven: (object) => isListed(object) && isOutsideReleases(object),
      reason: /rsync exit 23/,
    },
  },
  {
    name: 'rsyncd from which files vanish while they are listed (exit 24)',
    ...RSYNC,
    start: meddling(vanishing),
    truth: asCopied,
    demand: { state: 'failing', proven: isListed, reason: /rsync exit 24/ },
  },
  {
    name: 'rsyncd that ends in the middle of its list',
    ...RSYNC,
    start: meddling(onceListed((client) => client.end())),
    truth: asCopied,
    demand: { state: 'any', proven: none, reason: /rsync exit \d+/ },
  },
  {
    name: 'rsyncd that resets in the middle of its list',
    ...RSYNC,
    start: meddling(onceListed((client) => client.resetAndDestroy())),
    truth: asCopied,
    demand: { state: 'any', proven: none, reason: /rsync exit \d+/ },
  },
  {
    name: 'rsyncd that falls silent in the middle of its list (exit 30)',
    ...RSYNC,
    start: meddling(onceListed(() => {})),
    truth: asCopied,
    demand: { state: 'any', proven: none, reason: /^no data for too long/ },
    timeoutMs: HASTY_MS,
  },
  {
    name: 'rsyncd whose list trickles',
    ...RSYNC,
    start: meddling((client, chunk, before) =>
      before > 200 ? saySlowly(client, chunk.toString('latin1'), 20, 30) : client.write(chunk),
    ),
    truth: asCopied,
    demand: { state: 'any', proven: none },
    timeoutMs: 50,
  },
  {
    name: 'rsyncd with noise in the middle of its list',
    ...RSYNC,
    start: meddling((client, chunk, before) => {
      const at = Math.max(0, LIST_BYTES - before);
      if (before > LIST_BYTES || at >= chunk.length) client.write(chunk);
      else client.write(Buffer.concat([chunk.subarray(0, at), Buffer.from('!'.repeat(50)), chunk.subarray(at)]));
    }),
    truth: asCopied,
    demand: { state: 'any', proven: none, reason: /rsync exit \d+|no data/ },
  },
  {
    name: 'refuses rsync with escape sequences and a formula',
    ...RSYNC,
    start: saying((socket) =>
      socket.end(`${GREETING}@ERROR: =cmd|"/c calc"!A0 \x1b[31m\x1b]0;owned\x07 <script>\u202e\n`, 'latin1'),
    ),
    truth: unproven,
    demand: downBecause(/rsync exit 5/),
  },
  {
    name: 'speaks no rsync',
    ...RSYNC,
    start: saying((socket) => say(socket, 'HTTP/1.1 400 Bad Request\r\n\r\n\x1b[31m\n')),
    truth: unproven,
    demand: downBecause(/rsync exit \d+/),
  },
  {
    name: 'never greets',
    ...RSYNC,
    start: saying(() => {}),
    truth: unproven,
    demand: downBecause(/^no (data for too long|connection in time)/),
    timeoutMs: HASTY_MS,
  },
  {
    name: 'greets without end',
    ...RSYNC,
    start: saying((socket) => {
      say(socket, GREETING);
      sayForEver(socket, Buffer.from('Welcome to our mirror!\n'.repeat(1000)));
    }),
    truth: unproven,
    demand: downBecause(/./),
    timeoutMs: HASTY_MS,
    isGreedy: true,
  },
];
