import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunError } from '../errors.ts';
import { outputLayout } from '../output-layout.ts';
import { withLock } from './lock.ts';

let output: string;
beforeEach(() => {
  output = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(output, { recursive: true, force: true }));

const lockFile = () => outputLayout.lock(output);
const endedPid = () => spawnSync(process.execPath, ['--version']).pid as number;

/** Another process that takes the lock and holds it until its stdin ends; resolves once it has it. */
async function holder() {
  const lock = fileURLToPath(new URL('lock.ts', import.meta.url));
  const code = `import { register } from 'tsx/esm/api'; register();
    const { withLock } = await import(${JSON.stringify(lock)});
    await withLock(${JSON.stringify(output)}, 'check', async () => {
      process.stdout.write('held');
      for await (const _ of process.stdin) {}
    });`;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: root });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error(String(child.stderr.read()));
    }),
  ]);
  return { pid: child.pid as number, kill: () => child.kill('SIGKILL'), release: () => child.stdin.end(), ended };
}

describe('an output folder', () => {
  it('is one’s own while the work lasts, and free afterwards, whatever becomes of the work', async () => {
    const answer = await withLock(output, 'build', async () => {
      expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid, command: 'build' });
      return 42;
    });
    expect(answer).toBe(42);
    await expect(
      withLock(output, 'build', async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(readdirSync(output)).toEqual([]);
  });

  it('in which another process works is refused, naming it; its end frees the folder', async () => {
    const other = await holder();
    const wanted = `another one works there ("redirector check", process ${other.pid}, since 20`;
    const attempt = withLock(output, 'build', async () => expect.unreachable());
    await expect(attempt).rejects.toThrow(RunError);
    await expect(attempt).rejects.toThrow(wanted);
    expect(JSON.parse(readFileSync(lockFile(), 'utf8')).pid).toBe(other.pid);
    other.release();
    await other.ended;
    expect(await withLock(output, 'build', async () => 'free')).toBe('free');
  });

  it('of a process that was killed is taken over', async () => {
    const other = await holder();
    other.kill();
    await other.ended;
    expect(existsSync(lockFile())).toBe(true);
    expect(await withLock(output, 'build', async () => 'taken')).toBe('taken');
    expect(readdirSync(output)).toEqual([]);
  });

  it('is taken over from a process whose number another one has now', async () => {
    await withLock(output, 'build', async () => {
      const held = JSON.parse(readFileSync(lockFile(), 'utf8'));
      writeFileSync(lockFile(), JSON.stringify({ ...held, bornAt: 'before the flood' }));
      expect(await withLock(output, 'check', async () => 'taken')).toBe('taken');
    });
  });

  it('is not taken from a process of another machine', async () => {
    writeFileSync(
      lockFile(),
      JSON.stringify({ pid: endedPid(), bornAt: '', host: 'elsewhere', command: 'x', since: 'y' }),
    );
    const attempt = withLock(output, 'check', async () => expect.unreachable());
    await expect(attempt).rejects.toThrow(`on elsewhere, since y); if it is no more, remove ${lockFile()}`);
  });

  it.each(['', '{', 'null', '[]'])('whose lock is no lock (%j) is taken over', async (text) => {
    writeFileSync(lockFile(), text);
    expect(await withLock(output, 'check', async () => 'taken')).toBe('taken');
  });

  it('is cleared of the temporary files of dead processes, and of nothing else', async () => {
    const dead = `m.http.msgpack.${endedPid()}-3.tmp`;
    const alive = `m.http.msgpack.${process.ppid}-3.tmp`;
    const folders = ['.', 'observations', 'observations/eu', 'edge/nginx'].map((name) => join(output, name));
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true });
      for (const name of [dead, alive, 'm.http.msgpack', 'notes.tmp']) writeFileSync(join(folder, name), '');
    }
    await withLock(output, 'check', async () => {});
    const filesOf = (folder: string) => readdirSync(folder).filter((name) => name.includes('.'));
    const kept = ['m.http.msgpack', alive, 'notes.tmp'].sort();
    expect(folders.map((folder) => filesOf(folder).sort())).toEqual(folders.map(() => kept));
  });

  it('is left alone where it holds what is not ours', async () => {
    const leftover = `notes.${endedPid()}-3.tmp`;
    const foreign = ['demo/tree', 'published/incoming', 'edge/own', 'observations/eu/kept'];
    for (const folder of foreign) {
      mkdirSync(join(output, folder), { recursive: true });
      writeFileSync(join(output, folder, leftover), 'theirs');
    }
    await withLock(output, 'check', async () => {});
    expect(foreign.filter((folder) => !existsSync(join(output, folder, leftover)))).toEqual([]);
  });

  it.each(['', 'demo/', 'observations/', 'observations/eu/'])(
    'may hold folders whose names are no UTF-8 (%j)',
    async (parent) => {
      mkdirSync(join(output, parent), { recursive: true });
      mkdirSync(Buffer.concat([Buffer.from(join(output, parent, 'n')), Buffer.of(0xe9, 0xff)]));
      expect(await withLock(output, 'run', async () => 'done')).toBe('done');
    },
  );

  it('has one holder, however many processes find a stale lock at once', async () => {
    const stale = { pid: endedPid(), bornAt: '', host: hostname(), command: 'x', since: 'y' };
    writeFileSync(lockFile(), JSON.stringify(stale));
    const attempts = Array.from({ length: 5 }, () =>
      holder().then(
        (held) => held,
        () => null,
      ),
    );
    const held = (await Promise.all(attempts)).filter((one) => one !== null);
    expect(held).toHaveLength(1);
    held[0]?.release();
    await held[0]?.ended;
    expect(readdirSync(output)).toEqual([]);
  });
});
