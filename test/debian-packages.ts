import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { isInstalled } from '../demo/program.ts';

/** The programs that some tests need, and the Debian package of each. */
export const PACKAGES = {
  nginx: 'nginx-light',
  rsync: 'rsync',
  njs: 'njs',
  openssl: 'openssl',
  curl: 'curl',
  'nginx-js': 'libnginx-mod-http-js',
} as const;
export type Program = keyof typeof PACKAGES;

/** nginx' module that runs njs; Debian's nginx loads it from here. */
export const NGINX_JS_MODULE = '/usr/lib/nginx/modules/ngx_http_js_module.so';

/** Whether a program, or that module, is on this machine. */
export function isThere(program: Program): boolean {
  return program === 'nginx-js' ? existsSync(NGINX_JS_MODULE) : isInstalled(program);
}

/** What is known of the machine. */
export interface Machine {
  readonly isDebian: boolean;
  readonly isRoot: boolean;
  /** `CI=true`: nothing may be skipped. */
  readonly isCi: boolean;
  has(program: Program): boolean;
  /** Runs a command with the environment added; resolves to its exit code. */
  run(command: readonly string[], env: Readonly<Record<string, string>>): Promise<number>;
  /** A line for the person. */
  print(line: string): void;
}

const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive' };

/**
 * Sees to it that the programs are there: installs what is missing on Debian as root, else says what to type and what
 * will be skipped. Throws where `CI=true` and something is still missing.
 */
export async function ensurePrograms(machine: Machine): Promise<void> {
  const missing = missingOf(machine);
  if (missing.length === 0) return;
  if (machine.isDebian && machine.isRoot) {
    const packages = missing.map((program) => PACKAGES[program]);
    machine.print(`Installing what the tests need: ${packages.join(' ')}`);
    const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages];
    if ((await machine.run(['apt-get', 'update', '-q'], APT_ENV)) === 0) await machine.run(install, APT_ENV);
  }
  const left = missingOf(machine);
  if (left.length === 0) return;
  const command = `sudo apt-get install -y ${left.map((program) => PACKAGES[program]).join(' ')}`;
  const advice = machine.isDebian ? `Type "${command}"` : `Install them (on Debian: "${command}")`;
  if (machine.isCi) throw new Error(`the tests need ${left.join(', ')}. ${advice}.`);
  machine.print(`Not installed: ${left.join(', ')}. Tests that need them are skipped. ${advice} to run them all.`);
}

function missingOf(machine: Machine): Program[] {
  return (Object.keys(PACKAGES) as Program[]).filter((program) => !machine.has(program));
}

/** Whether a group of tests may run: null, or why it is skipped. Throws where `CI=true` and a program is missing. */
export function reasonToSkip(programs: readonly Program[], machine: Pick<Machine, 'isCi' | 'has'>): string | null {
  const missing = programs.filter((program) => !machine.has(program));
  if (missing.length === 0) return null;
  const packages = missing.map((program) => PACKAGES[program]).join(' ');
  const reason = `needs ${missing.join(' and ')} (Debian: ${packages})`;
  if (machine.isCi) throw new Error(`${reason}; nothing is skipped where CI=true`);
  return reason;
}

/**
 * vitest's `describe`, or, where a program is missing, one that skips and has said why:
 * `requires('nginx', 'rsync')('mirrors', () => { … })`.
 */
export function requires(...programs: Program[]): typeof describe | typeof describe.skip {
  const reason = reasonToSkip(programs, { isCi: isCi(), has: isThere });
  if (reason !== null) console.warn(`skipped: ${reason}`);
  return describe.skipIf(reason !== null);
}

export function isCi(): boolean {
  return process.env['CI'] === 'true';
}
