import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FtpServer, startFtpServer } from './ftp-server.ts';

/** The program's name; Debian lets only one FTP server be installed, so it may lie beside the packages. */
const PROGRAM = 'vsftpd';

/**
 * Starts vsftpd (LIST alone) over a folder, read-only, for anonymous users, on a free port of 127.0.0.1. The folder is
 * made readable by everyone: started by root, vsftpd serves as somebody else. `settings`: further lines of its configuration.
 */
export function startVsftpd(root: string, settings: readonly string[] = []): Promise<FtpServer> {
  return startFtpServer(root, async (folder, port) => {
    const config = join(folder, 'vsftpd.conf');
    const empty = join(folder, 'empty');
    await mkdir(empty);
    await writeFile(config, configText(root, empty, port, settings));
    return [PROGRAM, config];
  });
}

/** vsftpd.conf(5). */
function configText(root: string, empty: string, port: number, settings: readonly string[]): string {
  const identity =
    process.getuid?.() === 0
      ? // Somebody who may not write there: it refuses a root that its user could change. It enters that user's home.
        ['ftp_username=daemon', `secure_chroot_dir=${empty}`]
      : ['run_as_launching_user=YES'];
  return [
    'listen=YES',
    'background=NO',
    'listen_address=127.0.0.1',
    `listen_port=${port}`,
    'anonymous_enable=YES',
    'no_anon_password=YES',
    'anon_world_readable_only=NO',
    `anon_root=${root}`,
    'seccomp_sandbox=NO',
    'xferlog_enable=NO',
    ...identity,
    ...settings,
    '',
  ].join('\n');
}
