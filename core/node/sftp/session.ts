import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import SftpClient from 'ssh2-sftp-client';
import { messageOf, quoted } from '../../errors.ts';
import { faultOfAgent } from './agent.ts';
import { foreignText, SftpError, SftpKeyError } from './error.ts';
import type { SftpPlace } from './place.ts';

/** The protocol's requests, each with a callback. */
export type Wrapper = Awaited<ReturnType<SftpClient['connect']>>;

/** A host that let the user in. */
export interface SftpSession {
  readonly client: SftpClient;
  readonly sftp: Wrapper;
  readonly socket: Socket;
  /** Rejects when the connection is gone: the library lets some requests wait for ever. */
  readonly lost: Promise<never>;
}

const WAYS_OUT = 'give another key, or add the public one to the authorized keys there';

/**
 * Nothing but the key exchange is sent to a host whose key is another. Throws SftpError, and SftpKeyError where our own
 * key is missing or of no use; raising `signal` cuts it.
 */
export async function openSession(place: SftpPlace, signal?: AbortSignal): Promise<SftpSession> {
  const { host, port, user, privateKey, hostKeySha256, timeoutMs, lookup } = place;
  const agent = process.env['SSH_AUTH_SOCK'];
  const where = `${user}@${host}`;
  if (privateKey === null && agent === undefined) {
    throw new SftpKeyError(where, 'no key is given and no ssh-agent runs (SSH_AUTH_SOCK is not set)');
  }
  // The library takes it for none, and would let the host refuse us.
  if (privateKey === '') throw new SftpKeyError(where, 'the file of the private key is empty');
  const agentFault = privateKey === null ? await faultOfAgent(agent as string, timeoutMs) : '';
  if (agentFault !== '') throw new SftpKeyError(where, `no key is given and ${agentFault}`);
  const socket = connect({ host, port, ...(lookup === undefined ? {} : { lookup }) });
  const cut = () => void socket.destroy(new Error('interrupted'));
  signal?.addEventListener('abort', cut, { once: true });
  if (signal?.aborted === true) cut();
  socket.once('close', () => signal?.removeEventListener('abort', cut));
  socket.on('error', () => {});
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
  const lost = lossOf(socket);
  let shown = '';
  // Its own listeners would print.
  const client = new SftpClient('sftp', { error() {}, end() {}, close() {} });
  try {
    await once(socket, 'connect');
    const connected = client.connect({
      sock: socket,
      username: user,
      ...(privateKey === null ? { agent: agent as string } : { privateKey }),
      hostVerifier: (key: Buffer) => {
        shown = fingerprintOf(key);
        return shown === hostKeySha256;
      },
      // The socket's own time-out is that of silence.
      readyTimeout: timeoutMs * 3,
    });
    const sftp = await Promise.race([connected, lost]);
    socket.setTimeout(0);
    // A server's SFTP may end alone; without it the connection is of no use.
    sftp.once('close', () => socket.destroy());
    return { client, sftp, socket, lost };
  } catch (error) {
    socket.destroy();
    const { errored } = socket;
    if (isKeyFault(error)) throw new SftpKeyError(where, keyReason(error, user));
    throw new SftpError(where, connectReason(errored ?? error, shown, place), null, errored);
  }
}

/** The fingerprint of a host's key as `ssh-keygen -l` prints it. */
function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function lossOf(socket: Socket): Promise<never> {
  const lost = new Promise<never>((_, reject) => {
    socket.once('close', () => reject(socket.errored ?? new Error('the connection was cut')));
  });
  lost.catch(() => {});
  return lost;
}

/** Whether the library could not read our own key. What comes of the host has the name of a function in front. */
function isKeyFault(error: unknown): boolean {
  return /^(?:Cannot parse privateKey|privateKey value)/.test(messageOf(error));
}

function keyReason(error: unknown, user: string): string {
  return `the private key cannot be used, ${foreignText(messageOf(error), user)}; name one without a passphrase`;
}

function connectReason(error: unknown, shown: string, { user, hostKeySha256 }: SftpPlace): string {
  if (shown !== '' && shown !== hostKeySha256) {
    return `its host key is ${shown}, not the one that is expected (${quoted(hostKeySha256, 80)}); nothing was sent`;
  }
  // The library puts the names of its own functions in front.
  const message = messageOf(error).replace(/^(?:\w+: )+/, '');
  if (/authentication methods failed/.test(message)) return `it refuses the key; ${WAYS_OUT}`;
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ECONNREFUSED' ? 'connection refused' : `no connection: ${foreignText(message, user)}`;
}
