import { once } from 'node:events';
import { createServer } from 'node:net';
import { startProftpd } from '../../servers/proftpd.ts';
import { startVsftpd } from '../../servers/vsftpd.ts';
import { asCopied, type Behaviour, downBecause, none, type Started, unproven } from '../behaviour.ts';
import { scriptedFtp } from '../scripted-ftp.ts';
import { say, sayForEver, saySlowly } from '../scripted-http.ts';
import type { ZooObject, ZooTree } from '../zoo-tree.ts';

const FTP = { protocol: 'ftp' } as const;
const PROFTPD = { protocol: 'ftp', programs: ['proftpd'] } as const;
const HASTY_MS = 1000;
const ESCAPES = '=cmd|"/c calc"!A0 \x1b[31m\x1b]0;owned\x07 <script>';

/** ProFTPD leaves out a link to its own directory. */
const UPWARD_LINK = /^experimental\/here(\/|$)/;

/**
 * What a listing over FTP must show. Names with a line's end in them make it unreadable in part: then it does not prove
 * that others are missing.
 */
const isShown = ({ name, copy }: ZooObject) =>
  copy !== 'absent' && /^[ -~]*$/.test(name) && !/(^|\/)[ .]| (\/|$)/.test(name) && !UPWARD_LINK.test(name);
const SHOWN_PROVEN = { state: 'any', proven: isShown } as const;

/** Cut within a line: one that is cut at a line's end is not to be told from a whole one. */
const half = (listing: string) => listing.slice(0, listing.length / 2).replace(/\r?\n?$/, '');
const [high, low] = [(port: number) => port >> 8, (port: number) => port & 255];

/** Sends its clients to a port of another host, which complains when somebody comes. */
async function pointingElsewhere(zoo: ZooTree): Promise<Started> {
  let visitors = 0;
  const victim = createServer((socket) => {
    visitors++;
    socket.destroy();
  });
  const passive = (port: number) => {
    if (!victim.listening) victim.listen(port, '127.0.0.2');
    return `227 Entering Passive Mode (127,0,0,2,${high(port)},${low(port)})`;
  };
  const server = await scriptedFtp({ passive })(zoo);
  const close = async () => {
    await server.close();
    if (!victim.listening) return;
    victim.close();
    await once(victim, 'close');
  };
  const complaints = () => (visitors > 0 ? [`${visitors} connections to the host that PASV names`] : []);
  return { ...server, close, complaints };
}

/** FTP servers, real and scripted. */
export const FTP_SERVERS: readonly Behaviour[] = [
  { name: 'ProFTPD', ...PROFTPD, start: ({ copy }) => startProftpd(copy), truth: asCopied, demand: SHOWN_PROVEN },
  {
    name: 'vsftpd',
    ...FTP,
    programs: ['vsftpd'],
    start: ({ copy }) => startVsftpd(copy),
    truth: asCopied,
    demand: SHOWN_PROVEN,
  },
  {
    name: 'ProFTPD behind a router, which tells an address of its own',
    ...PROFTPD,
    start: ({ copy }) =>
      startProftpd(copy, { directives: 'MasqueradeAddress 192.0.2.1\n<Limit EPSV>\n  DenyAll\n</Limit>' }),
    truth: asCopied,
    demand: SHOWN_PROVEN,
  },
  {
    name: 'ProFTPD that lets nobody in',
    ...PROFTPD,
    start: ({ copy }) => startProftpd(copy, { directives: '<Limit LOGIN>\n  DenyAll\n</Limit>' }),
    truth: unproven,
    demand: downBecause(/^(refuses the anonymous login: "530|closes the connection without a greeting)/),
  },
  {
    name: 'sends its clients to another host for data',
    ...FTP,
    start: pointingElsewhere,
    truth: asCopied,
    demand: SHOWN_PROVEN,
  },
  {
    name: 'listings cut in the middle, with an answer that all went well',
    ...FTP,
    start: scriptedFtp({ transfer: ({ listing, send }) => send(half(listing)) }),
    truth: asCopied,
    demand: { state: 'any', proven: none },
  },
  {
    name: 'listings cut in the middle, with an answer that they are',
    ...FTP,
    start: scriptedFtp({
      transfer: ({ control, data, listing }) => {
        data.end(half(listing), 'latin1');
        say(control, '426 Connection closed; transfer aborted\r\n');
      },
    }),
    truth: asCopied,
    demand: { state: 'any', proven: none },
  },
  {
    name: 'listings reset in the middle',
    ...FTP,
    start: scriptedFtp({
      transfer: ({ control, data, listing }) => {
        data.write(half(listing), 'latin1', () => setTimeout(() => data.resetAndDestroy(), 20));
        say(control, '226 Done\r\n');
      },
    }),
    truth: asCopied,
    demand: { state: 'any', proven: none },
  },
  {
    name: 'listings that stall in the middle',
    ...FTP,
    start: scriptedFtp({ transfer: ({ data, listing }) => data.write(half(listing), 'latin1') }),
    truth: asCopied,
    demand: { state: 'any', proven: none, reason: /^no answer within 1 s$/ },
    timeoutMs: HASTY_MS,
  },
  {
    name: 'listings that come a letter at a time',
    ...FTP,
    start: scriptedFtp({ transfer: ({ data, listing }) => saySlowly(data, listing, 1, 20) }),
    truth: asCopied,
    demand: { state: 'any', proven: none },
    timeoutMs: 50,
  },
  {
    name: 'listings with a message of the day in them',
    ...FTP,
    start: scriptedFtp({ transfer: ({ listing, send }) => send(`Welcome!\r\n${listing}\x1b[31mBye\r\n\r\n`) }),
    truth: asCopied,
    demand: { state: 'any', proven: isShown },
  },
  {
    name: 'listings without end',
    ...FTP,
    start: scriptedFtp({
      transfer: ({ data }) => sayForEver(data, Buffer.from('type=file;size=1; more.tar.gz\r\n'.repeat(1000))),
    }),
    truth: unproven,
    demand: { state: 'any', proven: none },
    isGreedy: true,
    deadlineMs: 180_000,
  },
  {
    name: 'answers a line without end',
    ...FTP,
    start: scriptedFtp({ onConnect: (control) => sayForEver(control, Buffer.alloc(2 ** 16, '220-')) }),
    truth: unproven,
    demand: downBecause(/./),
    timeoutMs: HASTY_MS,
    isGreedy: true,
  },
  {
    name: 'refuses with escape sequences and a formula',
    ...FTP,
    start: scriptedFtp({ onConnect: (control) => say(control, `421 ${ESCAPES}\r\n`) }),
    truth: unproven,
    demand: downBecause(/421/),
  },
  {
    name: 'has no room for one more client, and says so with escape sequences and a formula',
    ...FTP,
    start: scriptedFtp({ onConnect: (control) => say(control, `421 Too many users ${ESCAPES}\r\n`) }),
    truth: unproven,
    demand: { state: 'failing', proven: none, reason: /^answers "421 Too many users .*": no room for us$/ },
    isLeftAlone: true,
  },
  {
    name: 'answers commands a letter at a time',
    ...FTP,
    start: scriptedFtp({ onConnect: (control) => saySlowly(control, `220-${'Welcome '.repeat(1000)}`, 1, 200) }),
    truth: unproven,
    demand: downBecause(/^no answer within 1 s$/),
    timeoutMs: HASTY_MS,
  },
  {
    name: 'never says a word',
    ...FTP,
    start: scriptedFtp({ onConnect: () => {} }),
    truth: unproven,
    demand: downBecause(/^no answer within 1 s$/),
    timeoutMs: HASTY_MS,
  },
];
