import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type FtpServer, startFtpServer } from './ftp-server.ts';

export interface ProftpdOptions {
  /** Directives put into the server's configuration as they are. */
  readonly directives?: string;
}

/**
 * Starts ProFTPD (MLSD and LIST) over a folder, read-only, for anonymous users, on a free port of 127.0.0.1. The
 * folder is made readable by everyone, those above it must be: started by root, ProFTPD serves as somebody else.
 */
export function startProftpd(root: string, options: ProftpdOptions = {}): Promise<FtpServer> {
  return startFtpServer(root, async (folder, port) => {
    const config = join(folder, 'proftpd.conf');
    await writeFile(config, configText(root, folder, port, options.directives ?? ''));
    return ['proftpd', '--nodaemon', '--quiet', '--config', config];
  });
}

/** http://www.proftpd.org/docs/directives/configuration_full.html */
function configText(root: string, folder: string, port: number, directives: string): string {
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? 'nobody' : userInfo().username;
  const group = isRoot ? 'Group nogroup' : '';
  return `ServerType standalone
ServerName test
DefaultAddress 127.0.0.1
SocketBindTight on
Port ${port}
UseReverseDNS off
UseIPv6 off
User ${user}
${group}
PidFile ${join(folder, 'pid')}
ScoreboardFile ${join(folder, 'scoreboard')}
DelayTable none
WtmpLog off
TransferLog none
SystemLog ${join(folder, 'log')}
RequireValidShell off
UseFtpUsers off
AuthOrder mod_auth_unix.c
${directives}
<Anonymous ${root}>
  User ${user}
  ${group}
  UserAlias anonymous ${user}
  AnonRequirePassword off
  RequireValidShell off
  <Limit WRITE>
    DenyAll
  </Limit>
</Anonymous>
`;
}
