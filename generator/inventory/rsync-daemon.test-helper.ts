import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

export interface RsyncDaemon {
  /** With a trailing slash. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A real rsync daemon on loopback that serves `directory` as the module "tree". */
export async function startRsyncDaemon(directory: string): Promise<RsyncDaemon> {
  const port = await freePort();
  const own = mkdtempSync(join(tmpdir(), 'rsyncd-'));
  const config = join(own, 'rsyncd.conf');
  // Root's daemon would become nobody, who may not read a test's folder.
  const user = process.getuid?.() === 0 ? 'uid = 0\ngid = 0\n' : '';
  writeFileSync(config, `use chroot = no\nlog file = /dev/null\n${user}[tree]\npath = ${directory}\n`);
  const flags = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${config}`];
  const child = spawn('rsync', flags, { stdio: 'ignore' });
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`rsync --daemon ended with ${child.exitCode}`);
    await setTimeout(20);
  }
  return {
    url: `rsync://127.0.0.1:${port}/tree/`,
    async stop() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(own, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
