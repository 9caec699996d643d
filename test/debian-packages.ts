import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { isInstalled } from '../demo/program.ts';
import { NGINX_MODULES } from './servers/nginx.ts';

/** The programs (and modules of nginx) that some tests need, and the Debian package of each. */
export const PACKAGES = {
  nginx: 'nginx-light',
  rsync: 'rsync',
  njs: 'njs',
  openssl: 'openssl',
  curl: 'curl',
  apache2: 'apache2',
  lighttpd: 'lighttpd',
  caddy: 'caddy',
  python3: 'python3',
  'ngx_http_fancyindex_module.so': 'libnginx-mod-http-fancyindex',
  'ngx_http_js_module.so': 'libnginx-mod-http-js',
  proftpd: 'proftpd-core',
  vsftpd: 'vsftpd',
  sshd: 'openssh-server',
  aria2c: 'aria2',
} as const;
export type Program = keyof typeof PACKAGES;

/**
 * Debian lets only one FTP server be installed, and the tests need two: of these packages the program alone is put
 * into /usr/local/sbin. Its libraries come with the others.
 */
const UNPACKED: readonly Program[] = ['vsftpd'];

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
  if (machine.isDebian && machine.isRoot) await install(machine, missing);
  const left = missingOf(machine);
  if (left.length === 0) return;
  const command = adviceFor(left);
  const advice = machine.isDebian ? `Type "${command}"` : `Install them (on Debian: "${command}")`;
  if (machine.isCi) throw new Error(`the tests need ${left.join(', ')}. ${advice}.`);
  machine.print(`Not installed: ${left.join(', ')}. Tests that need them are skipped. ${advice} to run them all.`);
}

async function install(machine: Machine, missing: readonly Program[]): Promise<void> {
  machine.print(`Installing what the tests need: ${packagesOf(missing).join(' ')}`);
  if ((await machine.run(['apt-get', 'update', '-q'], APT_ENV)) !== 0) return;
  const [installed, unpacked] = divided(missing);
  if (installed.length > 0) {
    // A server that is there already is not to be removed for one that conflicts with it.
    const flags = ['-y', '-q', '--no-install-recommends', '--no-remove'];
    await machine.run(['apt-get', 'install', ...flags, ...packagesOf(installed)], APT_ENV);
  }
  for (const program of unpacked) await machine.run(['sh', '-c', unpackCommand(program)], APT_ENV);
}

function adviceFor(missing: readonly Program[]): string {
  const [installed, unpacked] = divided(missing);
  const commands = installed.length === 0 ? [] : [`sudo apt-get install -y ${packagesOf(installed).join(' ')}`];
  return commands.concat(unpacked.map((program) => `sudo sh -c '${unpackCommand(program)}'`)).join(' && ');
}

function divided(programs: readonly Program[]): [Program[], Program[]] {
  const isUnpacked = (program: Program) => UNPACKED.includes(program);
  return [programs.filter((program) => !isUnpacked(program)), programs.filter(isUnpacked)];
}

/** For a shell, without single quotes. */
function unpackCommand(program: Program): string {
  const name = PACKAGES[program];
  return (
    `cd "$(mktemp -d)" && apt-get download -q ${name} && ` +
    `dpkg-deb --fsys-tarfile ${name}_*.deb | tar -x -C /usr/local/sbin --strip-components=3 ./usr/sbin/${program}; rm -r "$PWD"`
  );
}

function packagesOf(programs: readonly Program[]): string[] {
  return programs.map((program) => PACKAGES[program]);
}

function missingOf(machine: Machine): Program[] {
  return (Object.keys(PACKAGES) as Program[]).filter((program) => !machine.has(program));
}

/** Whether a group of tests may run: null, or why it is skipped. Throws where `CI=true` and a program is missing. */
export function reasonToSkip(programs: readonly Program[], machine: Pick<Machine, 'isCi' | 'has'>): string | null {
  const missing = programs.filter((program) => !machine.has(program));
  if (missing.length === 0) return null;
  const packages = packagesOf(missing).join(' ');
  const reason = `needs ${missing.join(' and ')} (Debian: ${packages})`;
  if (machine.isCi) throw new Error(`${reason}; nothing is skipped where CI=true`);
  return reason;
}

/**
 * vitest's `describe`, or, where a program is missing, one that skips and has said why:
 * `requires('nginx', 'rsync')('mirrors', () => { … })`.
 */
export function requires(...programs: Program[]): typeof describe | typeof describe.skip {
  const reason = reasonToSkip(programs, { isCi: isCi(), has: isPresent });
  if (reason !== null) console.warn(`skipped: ${reason}`);
  return describe.skipIf(reason !== null);
}

/** Whether this machine has a program, or a module of nginx. */
export function isPresent(program: Program): boolean {
  return program.endsWith('.so') ? existsSync(join(NGINX_MODULES, program)) : isInstalled(program);
}

export function isCi(): boolean {
  return process.env['CI'] === 'true';
}
