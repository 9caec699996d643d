import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Daemon, startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';

export interface RsyncDaemon extends Daemon {
  /** `rsync://127.0.0.1:PORT/`, to which a module's name is added. */
  readonly url: string;
}

/**
 * Starts `rsync --daemon` on 127.0.0.1 with read-only modules, given by name (letters, digits, `-`) and folder.
 * Throws RunError where it does not start.
 */
export async function startRsyncDaemon(modules: Readonly<Record<string, string>>): Promise<RsyncDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'redirector-rsyncd-'));
  try {
    const config = join(folder, 'rsyncd.conf');
    writeFileSync(config, configText(folder, modules));
    const port = await freePort();
    const daemon = await startDaemon({
      command: ['rsync', '--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${config}`],
      ports: [port],
    });
    return {
      url: `rsync://127.0.0.1:${port}/`,
      close: async () => {
        await daemon.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** rsyncd.conf(5). */
function configText(folder: string, modules: Readonly<Record<string, string>>): string {
  // Started by root, it would serve as nobody, who may not enter a temporary folder.
  const owner = process.getuid?.() === 0 ? ['uid = 0', 'gid = 0'] : [];
  const all = [
    'use chroot = no',
    'munge symlinks = no',
    'reverse lookup = no',
    'read only = yes',
    `log file = ${join(folder, 'rsyncd.log')}`,
    ...owner,
  ];
  const each = Object.entries(modules).map(([name, path]) => `[${name}]\npath = ${path}\n`);
  return `${all.join('\n')}\n\n${each.join('\n')}`;
}
