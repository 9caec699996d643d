import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outputLayout } from '../core/output-layout.ts';
import { distfilesXml } from '../demo/distfiles-xml.ts';
import { type Ran, runHere } from './front-door.ts';
import { tempFolder } from './temp-folder.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
const temporary = tempFolder();
const at = (name: string) => join(temporary.path, name);
const shared = ['--config', at('redirector.toml'), '--output', at('output')];
/** The command's own temporary folder: what is left in it is its own doing. */
const ownTmp = at('tmp');
const env = { ...process.env, TMPDIR: ownTmp };

beforeAll(async () => {
  mkdirSync(ownTmp);
  mkdirSync(at('tree/distfiles'), { recursive: true });
  writeFileSync(at('tree/distfiles/a.tar.xz'), 'text');
  const listed = { name: 'One', region: 'Europe', listedAs: 'DE', countryName: 'Germany', partial: false };
  writeFileSync(at('distfiles.xml'), distfilesXml([{ ...listed, urls: ['http://127.0.0.1:9/'] }]));
  writeFileSync(
    at('redirector.toml'),
    'name = "One"\nfallback = "http://127.0.0.1:9/"\n[[inventory]]\nfrom = "tree"\n[mirrors]\nlist = "distfiles.xml"\n',
  );
  // Also that the program is compiled, by which esbuild runs too.
  expect(await started(['inventory', ...shared]).ended).toMatchObject({ code: 0 });
});
afterAll(temporary.close);

/** In a process group of its own, as a terminal has it. */
function started(argv: readonly string[]): { readonly pid: number; readonly ended: Promise<Ran> } {
  return group(process.execPath, [redirector, ...argv]);
}

/** A line of bash in which $R is the program. */
function line(text: string): Promise<Ran> {
  return group('bash', ['-c', text.replaceAll('$R', `"${process.execPath}" "${redirector}"`)]).ended;
}

function group(program: string, argv: readonly string[]): { readonly pid: number; readonly ended: Promise<Ran> } {
  const child = spawn(program, argv, { detached: true, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ran>((resolve) => {
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
  return { pid: child.pid as number, ended };
}

const soon = { timeout: 20_000, interval: 2 };
const childrenOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
};
const mentions = (pid: string, text: string) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
  } catch {
    return false;
  }
};

describe.runIf(existsSync('/proc/self/task'))('Ctrl-C, which the whole process group gets', () => {
  it('while the demo’s fleet starts ends the demo, and leaves no process and no temporary folder', async () => {
    const { pid, ended } = started(['demo', '--output', at('demo')]);
    // The first mirrors are being made, or the daemon of rsync, where there is one.
    await expect.poll(() => existsSync(at('demo/demo/fleet')) || existsSync(at('demo/demo/output')), soon).toBe(true);
    process.kill(-pid, 'SIGINT');
    expect(await ended).toMatchObject({ code: 130, stderr: expect.not.stringContaining('a bug') });
    expect(readdirSync(ownTmp)).toEqual([]);
    expect(readdirSync('/proc').filter((id) => /^\d+$/.test(id) && mentions(id, ownTmp))).toEqual([]);
    rmSync(at('demo'), { recursive: true });
  });

  it('while esbuild makes the edge function is an interruption, as it is for a child that hears it first', async () => {
    for (const signalled of [(pid: number) => [-pid], (pid: number) => [...childrenOf(pid), pid]]) {
      const { pid, ended } = started(['build', ...shared]);
      await expect.poll(() => childrenOf(pid).length, soon).toBeGreaterThan(0);
      for (const id of signalled(pid)) process.kill(id, 'SIGINT');
      const { code, stderr } = await ended;
      expect([code, stderr]).toEqual([130, expect.not.stringMatching(/a bug|at .*\.js:\d/)]);
      expect(existsSync(outputLayout.lock(at('output')))).toBe(false);
    }
  });

  it('while the site is rendered leaves the old one', async () => {
    expect(await started(['build', ...shared]).ended).toMatchObject({ code: 0 });
    const { pid, ended } = started(['site', ...shared]);
    await expect.poll(() => handlesSignals(pid), soon).toBe(true);
    process.kill(-pid, 'SIGINT');
    expect(await ended).toMatchObject({ code: 130 });
    expect(existsSync(outputLayout.site(at('output')))).toBe(false);
  });
});

/** proc(5): the mask of the signals that are caught. SIGINT is so by Node itself, from the start; SIGHUP by us, as the last. */
function handlesSignals(pid: number): boolean {
  const [, mask = '0'] = /^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return (BigInt(`0x${mask}`) & 1n) !== 0n;
}

describe('a reader that goes away', () => {
  it.each(['--help', 'config --print-defaults', `inventory --json ${shared.join(' ')}`])(
    'of "%s" had what it wanted',
    async (argv) => {
      expect(
        await line(`$R ${argv} --quiet | true; exit \${PIPESTATUS[0]}`.replace('--help --quiet', '--help')),
      ).toEqual({
        code: 0,
        stdout: '',
        stderr: expect.not.stringMatching(/EPIPE|at /),
      });
    },
  );

  it('of what is said does not stop the work', async () => {
    rmSync(at('second'), { recursive: true, force: true });
    const { code } = await line(
      `$R inventory ${shared.slice(0, 2).join(' ')} --output ${at('second')} 2>&1 >/dev/null | true; exit \${PIPESTATUS[0]}`,
    );
    expect(code).toBe(0);
    expect(existsSync(outputLayout.mirrors(at('second')))).toBe(true);
  });
});

describe.runIf(existsSync('/dev/full'))('a result that does not fit on the disk', () => {
  it.each(['--help', 'config --print-defaults', `inventory --quiet --json ${shared.join(' ')}`])(
    'of "%s" is a failure, in one line',
    async (argv) => {
      expect(await line(`$R ${argv} > /dev/full`)).toEqual({
        code: 1,
        stdout: '',
        stderr: 'standard output: the disk is full (ENOSPC)\n',
      });
    },
  );
});

describe('wrong options', () => {
  it.each(['inventory', 'check', 'publish', 'merge', 'build', 'site', 'releases', 'lookup a', 'demo --once'])(
    'a file as the output folder of "%s" is named',
    async (command) => {
      const file = at('distfiles.xml');
      const config = command.startsWith('demo') ? [] : shared.slice(0, 2);
      const { code, stderr } = await runHere(...command.split(' '), ...config, '--output', file);
      expect([code, stderr]).toEqual([2, `--output ${file}: it is not a folder; name a folder\n`]);
    },
  );

  it.each([
    [['inventory', '--output', ''], /argument '' is invalid. Name one/],
    [['config', '--check', '--config', ''], /argument '' is invalid. Name one/],
    [['config', '--check', '--config', temporary.path], /EISDIR.*; name a file that can be with --config\n$/],
    [['config', '--check', '--config', at('none')], /config --print-defaults > .*none" makes one/],
    [['config', '--check', '--print-defaults'], /say one of --check/],
    [['config'], /say one of --check/],
  ])('%j', async (argv, words) => {
    const { code, stderr } = await runHere(...argv);
    expect([code, stderr]).toEqual([2, expect.stringMatching(words)]);
  });

  it('an address that is not this machine’s is told from a port that is taken', async () => {
    const { code, stderr } = await runHere('serve', ...shared, '--host', '192.0.2.1');
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/no address of this machine; choose another with --host/),
    ]);
  });
});
