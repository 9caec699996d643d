import { startRsyncDaemon } from '../../demo/rsync-daemon.ts';

export interface Rsyncd {
  /** By module: `rsync://127.0.0.1:PORT/MODULE/`. */
  readonly urls: Readonly<Record<string, string>>;
  /** Leaves no process and no file behind. */
  close(): Promise<void>;
}

/** Starts one rsync daemon with a read-only module for each folder, on a free port of 127.0.0.1. */
export async function startRsyncd(modules: Readonly<Record<string, string>>): Promise<Rsyncd> {
  const { url, close } = await startRsyncDaemon(modules);
  return { urls: Object.fromEntries(Object.keys(modules).map((name) => [name, `${url}${name}/`])), close };
}
