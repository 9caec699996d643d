import { createServer } from 'node:net';

// Below the range from which systems draw ports for outgoing connections, so that none of those takes it meanwhile.
const LOWEST = 12_000;
const HIGHEST = 32_000;

/** A TCP port on 127.0.0.1 that nobody uses, for a program that can't choose one itself. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
