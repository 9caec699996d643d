import type { Entry } from '../../checker/testing/collect.ts';
import { type SftpScript, startScriptedSftp } from './scripted-sftp.ts';
import { type Sshd, type SshdOptions, startSshd } from './sshd.ts';

/** A mirror over SFTP. */
export interface SftpMirror {
  /** Of the folder, with a trailing slash and without the user. */
  readonly url: string;
  readonly entry: Required<Entry>;
  readonly sshd: Sshd;
  close(): Promise<void>;
}

/** Serves a folder with OpenSSH on 127.0.0.1. */
export async function startSftpMirror(folder: string, options?: SshdOptions): Promise<SftpMirror> {
  return mirrorOf(await startSshd(options), folder);
}

/** Serves what a script says. */
export async function startScriptedMirror(script: SftpScript): Promise<SftpMirror> {
  return mirrorOf(await startScriptedSftp(script), '/tree');
}

function mirrorOf(sshd: Sshd, folder: string): SftpMirror {
  const { port, user, hostKeySha256, privateKey } = sshd;
  const path = folder.split('/').map(encodeURIComponent).join('/');
  return {
    url: `sftp://127.0.0.1:${port}${path}/`,
    entry: { login: { user, hostKeySha256 }, sftpKey: privateKey },
    sshd,
    close: () => sshd.close(),
  };
}
