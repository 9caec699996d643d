import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startDaemon } from '../../demo/daemon.ts';
import { freePort } from '../../demo/free-port.ts';

export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** The key that lets the user in, as text and as a file. */
  readonly privateKey: string;
  readonly privateKeyFile: string;
  readonly hostKeySha256: string;
  /** What the server has logged so far. */
  log(): Promise<string>;
  /** Leaves no process and no file behind. */
  close(): Promise<void>;
}

export interface SshdOptions {
  /** Flags of sftp-server(8): `-R` is read-only, `-P posix-rename` takes an extension away. */
  readonly sftpFlags?: string;
  /** A port of 127.0.0.1 that speaks SFTP in place of OpenSSH's own server (scripted-sftp.ts). */
  readonly sftpPort?: number;
}

const run = promisify(execFile);

/** Starts OpenSSH's server with SFTP alone, for the present user, on a free port of 127.0.0.1, with keys of its own. */
export async function startSshd({ sftpFlags = '', sftpPort }: SshdOptions = {}): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), 'redirector-sshd-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const file = (name: string) => join(folder, name);
  try {
    for (const name of ['host', 'user']) {
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file(name)]);
    }
    // Started by root it wants this folder, which a service manager would make.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const port = await freePort();
    const relay = file('relay');
    const both = 'exec 4<&0\ncat <&3 &\ncat <&4 >&3 &\nwait -n\nkill $(jobs -p)';
    await writeFile(relay, `exec 3<>/dev/tcp/127.0.0.1/${sftpPort} || exit 1\n${both}\n`);
    const subsystem = sftpPort === undefined ? `internal-sftp ${sftpFlags}` : `/bin/bash ${relay}`;
    await writeFile(file('sshd_config'), configText(folder, port, subsystem));
    // It starts itself again for each connection, so it wants its whole path.
    const command = [
      '/bin/sh',
      '-c',
      'exec "$(command -v sshd)" "$@"',
      'sshd',
      '-D',
      '-f',
      file('sshd_config'),
    ] as const;
    const daemon = await startDaemon({ command: [...command, '-E', file('log')], ports: [port] });
    const { stdout } = await run('ssh-keygen', ['-l', '-E', 'sha256', '-f', file('host.pub')]);
    return {
      port,
      user: userInfo().username,
      privateKey: await readFile(file('user'), 'utf8'),
      privateKeyFile: file('user'),
      hostKeySha256: stdout.split(' ')[1] as string,
      log: () => readFile(file('log'), 'utf8'),
      close: async () => {
        await daemon.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** sshd_config(5). */
function configText(folder: string, port: number, subsystem: string): string {
  return `ListenAddress 127.0.0.1
Port ${port}
HostKey ${join(folder, 'host')}
AuthorizedKeysFile ${join(folder, 'user.pub')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
LogLevel VERBOSE
Subsystem sftp ${subsystem}
`;
}
