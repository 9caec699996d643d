import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon } from '../../demo/daemon.ts';
import { freePort } from '../../demo/free-port.ts';

export interface FtpServer {
  /** `ftp://127.0.0.1:PORT/`, the served folder. */
  readonly url: string;
  /** Leaves no process and no file behind. */
  close(): Promise<void>;
}

/** Starts a server whose command `configure` gives, after it has written what it needs into a folder of its own. */
export async function startFtpServer(
  root: string,
  configure: (folder: string, port: number) => Promise<readonly [string, ...string[]]>,
): Promise<FtpServer> {
  await chmod(root, 0o755);
  const folder = await mkdtemp(join(tmpdir(), 'redirector-ftp-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const port = await freePort();
    const command = await configure(folder, port);
    const daemon = await startDaemon({ command, ports: [port] });
    return {
      url: `ftp://127.0.0.1:${port}/`,
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
