import { connect } from 'node:net';
import { quoted } from '../../core/errors.ts';
import { isFullHouse } from '../ftp/replies.ts';
import { noRoom } from '../full-house.ts';
import { connectionReason } from '../net/reasons.ts';
import { HostBusy, ProbeFailure } from './failure.ts';
import type { FamilyFacts, ProbeTask } from './task.ts';

const FTP_PORT = 21;
const MAX_GREETING_BYTES = 4096;

/** Connects and waits for the greeting: a last line "220 …" (RFC 959, 5.4). Throws ProbeFailure, HostBusy. */
export function probeFtp({ accessPoint, address, timeoutMs, signal }: ProbeTask, facts: FamilyFacts): Promise<void> {
  const { port } = new URL(accessPoint.url);
  facts.requests++;
  facts.connections++;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.address, port: port === '' ? FTP_PORT : Number(port) });
    let said = '';
    const end = (reason: string, isFull = false) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      facts.bytes += socket.bytesRead + socket.bytesWritten;
      socket.destroy();
      if (reason === '') resolve();
      else reject(isFull ? new HostBusy(noRoom(reason), 'full') : new ProbeFailure(reason));
    };
    const stop = () => end('interrupted');
    const timer = setTimeout(() => end(`no greeting within ${timeoutMs / 1000} s`), timeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    socket.on('error', (error) => end(connectionReason(error, timeoutMs)));
    socket.on('close', () => end('closes the connection without a greeting'));
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      const last = /^(\d{3}) [^\r\n]*\r?\n/m.exec(said);
      if (last !== null) {
        // A polite end (RFC 959, 4.1.1); nobody waits for its answer.
        socket.write('QUIT\r\n');
        end(
          last[1] === '220' ? '' : `greets with ${quoted(last[0].trim(), 80)}`,
          isFullHouse(Number(last[1]), last[0]),
        );
      } else if (said.length > MAX_GREETING_BYTES) end(`its greeting is not FTP: ${quoted(said, 40)}`);
    });
  });
}
