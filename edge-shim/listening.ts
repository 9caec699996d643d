import type { Server } from 'node:http';
import { messageOf, UsageError } from '../core/errors.ts';

/** By what listen(2) and getaddrinfo(3) fail with. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  EADDRINUSE: 'choose another port',
  EACCES: 'choose a port from 1024',
  EADDRNOTAVAIL: 'it is no address of this machine; choose another with --host',
  ENOTFOUND: 'it is no name of this machine; choose another with --host',
  EAI_AGAIN: 'its name can not be looked up; give an address with --host',
};

/** Resolves to the server when it listens. Throws UsageError, with the way out, where it can't. */
export function listening(server: Server, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const wayOut = WAYS_OUT[error.code ?? ''] ?? 'choose another address or port';
      reject(new UsageError(`${host}:${port}: ${messageOf(error)}; ${wayOut}`));
    });
    server.listen(port, host, () => resolve(server));
  });
}
