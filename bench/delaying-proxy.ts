import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('delaying-proxy.mjs', import.meta.url));

export interface DelayingProxy {
  /** The target's URL, through the proxy. */
  readonly url: string;
  close(): void;
}

/** Puts a server of this machine so many milliseconds away in each direction, in a process of its own. */
export async function startDelayingProxy(target: string, delayMs: number): Promise<DelayingProxy> {
  const { protocol, port } = new URL(target);
  const child = spawn(process.execPath, [program, port, String(delayMs)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [proxyPort] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: `${protocol}//127.0.0.1:${proxyPort.toString().trim()}/`, close: () => void child.kill() };
}
