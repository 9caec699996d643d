import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { SftpAnswer, SftpName, SftpScript } from '../servers/scripted-sftp.ts';
import { startScriptedMirror } from '../servers/sftp-mirror.ts';
import type { Started } from './behaviour.ts';
import type { ZooTree } from './zoo-tree.ts';

/** As many names as OpenSSH tells at once. */
const NAMES_AT_ONCE = 100;
const ROOT = '/tree';

/** What is answered in place of what is true: undefined = the truth. `nth` counts requests of this kind for this path. */
export type Instead = (request: string, path: string, nth: number) => SftpAnswer | undefined;

/** Serves the mirror's copy over SFTP, but for what is answered in place of it. `path` of `instead` is that in the tree. */
export function scriptedSftp(instead: Instead): (zoo: ZooTree) => Promise<Started> {
  return ({ copy }) => startScriptedMirror(answering(copy, instead));
}

function answering(copy: string, instead: Instead): SftpScript {
  const counts = new Map<string, number>();
  return (request, _, asked) => {
    const path = asked.slice(ROOT.length).replace(/^\/+|\/+$/g, '');
    const key = `${request} ${path}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    // Whoever opens it anew reads it from the beginning.
    if (request === 'opendir') counts.delete(`readdir ${path}`);
    const own = instead(request, path, nth);
    return own === undefined ? truth(request, `${copy}/${path}`, nth) : own;
  };
}

function truth(request: string, file: string, nth: number): SftpAnswer {
  if (request === 'close') return { status: 0 };
  try {
    if (request === 'opendir') return readdirSync(file).length >= 0 ? 'handle' : null;
    if (request === 'readlink') return { names: [readlinkSync(file, 'buffer').toString('latin1')] };
    if (request !== 'readdir') return { status: 4 };
    const names = readdirSync(file, 'buffer').slice((nth - 1) * NAMES_AT_ONCE, nth * NAMES_AT_ONCE);
    return names.length === 0 ? { status: 1 } : { names: names.map((name) => nameIn(file, name)) };
  } catch {
    return { status: 2 };
  }
}

function nameIn(folder: string, name: Buffer): SftpName {
  const stat = lstatSync(Buffer.concat([Buffer.from(`${folder}/`), name]));
  const type = stat.isSymbolicLink() ? 'symlink' : stat.isDirectory() ? 'directory' : 'file';
  return { name: name.toString('latin1'), type, sizeBytes: stat.size };
}
