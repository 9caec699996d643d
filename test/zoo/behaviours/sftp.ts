import { startSftpMirror } from '../../servers/sftp-mirror.ts';
import { asCopied, type Behaviour, downBecause, none, unproven } from '../behaviour.ts';
import { scriptedSftp } from '../scripted-sftp.ts';
import type { ZooObject } from '../zoo-tree.ts';

const SFTP = { protocol: 'sftp', programs: ['sshd'] } as const;
const HASTY_MS = 1000;
const DENIED = { status: 3 };
const FAILURE = { status: 4 };
const UNREADABLE = 'releases';

/** SFTP tells names in UTF-8, and nothing of others. */
const isUtf8 = (name: string) => {
  const bytes = Buffer.from(name, 'latin1');
  return Buffer.from(bytes.toString('utf8')).equals(bytes) && !bytes.toString('utf8').includes('\ufffd');
};
const isTold = ({ name, path, end }: ZooObject) => isUtf8(name) && (end === path || !/%[89A-F]/.test(end));
const TOLD_PROVEN = { state: 'any', proven: isTold } as const;
const isElsewhere = ({ path, end }: ZooObject) => ![path, end].some((each) => each.split('/')[0] === UNREADABLE);

/** Servers of SFTP, real and scripted. */
export const SFTP_SERVERS: readonly Behaviour[] = [
  { name: 'OpenSSH', ...SFTP, start: ({ copy }) => startSftpMirror(copy), truth: asCopied, demand: TOLD_PROVEN },
  {
    name: 'OpenSSH that may only be read',
    ...SFTP,
    start: ({ copy }) => startSftpMirror(copy, { sftpFlags: '-R' }),
    truth: asCopied,
    demand: TOLD_PROVEN,
  },
  {
    name: 'OpenSSH with another host key',
    ...SFTP,
    start: async ({ copy }) => {
      const mirror = await startSftpMirror(copy);
      const login = { ...mirror.entry.login, hostKeySha256: `SHA256:${'A'.repeat(43)}` };
      return { ...mirror, entry: { ...mirror.entry, login } };
    },
    truth: unproven,
    demand: downBecause(/^its host key is SHA256:[\w+/]{43}, not the one that is expected/),
  },
  {
    name: 'OpenSSH that knows no such key',
    ...SFTP,
    start: async ({ copy }) => {
      const [mirror, other] = await Promise.all([startSftpMirror(copy), startSftpMirror(copy)]);
      await other.close();
      return { ...mirror, entry: { ...mirror.entry, sftpKey: other.entry.sftpKey } };
    },
    truth: unproven,
    demand: downBecause(/^it refuses the key/),
  },
  {
    name: 'answers as it should, by a script',
    ...SFTP,
    start: scriptedSftp(() => undefined),
    truth: asCopied,
    demand: TOLD_PROVEN,
  },
  {
    name: 'denies everything',
    ...SFTP,
    start: scriptedSftp((request) => (request === 'close' ? undefined : DENIED)),
    truth: unproven,
    demand: downBecause(/^permission denied$/),
  },
  {
    name: 'fails at everything',
    ...SFTP,
    start: scriptedSftp((request) => (request === 'close' ? undefined : FAILURE)),
    truth: unproven,
    demand: downBecause(/^failure$/),
  },
  {
    name: 'says that each directory is missing',
    ...SFTP,
    start: scriptedSftp((request) => (request === 'opendir' ? { status: 2 } : undefined)),
    truth: unproven,
    demand: downBecause(/^no such file$/),
  },
  {
    name: 'says that directories which it lists are missing',
    ...SFTP,
    start: scriptedSftp((request, path) => (request === 'opendir' && path !== '' ? { status: 2 } : undefined)),
    truth: asCopied,
    demand: { state: 'any', proven: none },
  },
  {
    name: 'denies one directory, and tells of the others',
    ...SFTP,
    start: scriptedSftp((request, path) => (request === 'opendir' && path === UNREADABLE ? DENIED : undefined)),
    truth: asCopied,
    demand: { state: 'any', proven: (object) => isTold(object) && isElsewhere(object) },
  },
  {
    name: 'listings that fail after a hundred names',
    ...SFTP,
    start: scriptedSftp((request, _, nth) => (request === 'readdir' && nth > 1 ? FAILURE : undefined)),
    truth: asCopied,
    demand: { state: 'any', proven: none },
  },
  {
    name: 'listings cut after a hundred names',
    ...SFTP,
    start: scriptedSftp((request, _, nth) => (request === 'readdir' && nth > 1 ? 'cut' : undefined)),
    truth: asCopied,
    demand: { state: 'any', proven: none },
  },
  {
    name: 'listings that stall after a hundred names',
    ...SFTP,
    start: scriptedSftp((request, _, nth) => (request === 'readdir' && nth > 1 ? null : undefined)),
    truth: asCopied,
    demand: { state: 'any', proven: none },
    timeoutMs: HASTY_MS,
  },
  {
    name: 'tells the targets of no links',
    ...SFTP,
    start: scriptedSftp((request) => (request === 'readlink' ? FAILURE : undefined)),
    truth: asCopied,
    demand: { state: 'any', proven: (object) => isTold(object) && !object.isLink },
  },
  {
    name: 'cut at each link',
    ...SFTP,
    start: scriptedSftp((request) => (request === 'readlink' ? 'cut' : undefined)),
    truth: asCopied,
    demand: { state: 'any', proven: none },
  },
  {
    name: 'listings without end over SFTP',
    ...SFTP,
    start: scriptedSftp((request) =>
      request === 'readdir' ? { names: Array.from({ length: 100 }, (_, i) => `more-${i}.tar.gz`) } : undefined,
    ),
    truth: unproven,
    demand: { state: 'any', proven: none },
    isGreedy: true,
    deadlineMs: 180_000,
  },
  {
    name: 'never says a word over SFTP',
    ...SFTP,
    start: scriptedSftp(() => null),
    truth: unproven,
    demand: downBecause(/^no answer within 1 s$/),
    timeoutMs: HASTY_MS,
  },
];
