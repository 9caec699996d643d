import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon } from '../../demo/daemon.ts';
import { freePort } from '../../demo/free-port.ts';
import type { Started } from './behaviour.ts';

export interface RsyncdOptions {
  /** Lines for the module `tree`; see rsyncd.conf(5). */
  readonly directives?: readonly string[];
  /** What every client is greeted with, one character for each byte. */
  readonly motd?: string;
}

/**
 * Starts `rsync --daemon` with the folder as the module `tree` on a free port of 127.0.0.1. Started by root it serves
 * as nobody, so that there can be folders that it may not read.
 */
export async function startRsyncd(folder: string, { directives = [], motd }: RsyncdOptions = {}): Promise<Started> {
  const own = mkdtempSync(join(tmpdir(), 'redirector-rsyncd-'));
  const remove = () => rmSync(own, { recursive: true, force: true });
  try {
    const file = (name: string) => join(own, name);
    const greeting = motd === undefined ? [] : [`motd file = ${file('motd')}`];
    if (motd !== undefined) writeFileSync(file('motd'), motd, 'latin1');
    const lines = ['use chroot = no', 'munge symlinks = no', 'reverse lookup = no', `log file = ${file('log')}`];
    const text = [...lines, ...greeting, '[tree]', `path = ${folder}`, ...directives, ''].join('\n');
    writeFileSync(file('conf'), text);
    const port = await freePort();
    const flags = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${file('conf')}`];
    const daemon = await startDaemon({ command: ['rsync', ...flags], ports: [port] });
    const close = async () => {
      await daemon.close();
      remove();
    };
    return { url: `rsync://127.0.0.1:${port}/tree/`, close };
  } catch (error) {
    remove();
    throw error;
  }
}
