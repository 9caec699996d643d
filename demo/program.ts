import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where programs are looked for: servers lie in `sbin`, which is not on everyone's path. */
export const programPath = [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin'].join(delimiter);

/** Whether a program can be run on this machine. */
export function isInstalled(program: string): boolean {
  return programPath.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
