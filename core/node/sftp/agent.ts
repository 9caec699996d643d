import { once } from 'node:events';
import { connect } from 'node:net';

/** SSH_AGENTC_REQUEST_IDENTITIES, and what answers it (draft-miller-ssh-agent-04, 3.5). */
const [REQUEST_IDENTITIES, IDENTITIES_ANSWER] = [11, 12];
/** Length, kind and number of keys. */
const HEAD_BYTES = 9;

/** Why an ssh-agent cannot let us in anywhere, as the end of a sentence; '' = it holds a key. `path` is its socket. */
export async function faultOfAgent(path: string, timeoutMs: number): Promise<string> {
  const socket = connect(path);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('silent')));
  let head = Buffer.alloc(0);
  try {
    await once(socket, 'connect');
    socket.write(Buffer.of(0, 0, 0, 1, REQUEST_IDENTITIES));
    for await (const chunk of socket) {
      head = Buffer.concat([head, chunk as Buffer]);
      if (head.length >= HEAD_BYTES) break;
    }
  } catch {
    return 'the ssh-agent (SSH_AUTH_SOCK) does not answer';
  } finally {
    socket.destroy();
  }
  const holdsKey = head.length >= HEAD_BYTES && head[4] === IDENTITIES_ANSWER && head.readUInt32BE(5) > 0;
  return holdsKey ? '' : 'the ssh-agent (SSH_AUTH_SOCK) holds none';
}
