import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RunError } from '../core/errors.ts';
import { tempFolder } from '../test/temp-folder.ts';
import { type Context, inContext } from './context.ts';
import { ExitCode, reportFailure } from './exit.ts';

const temporary = tempFolder();
afterAll(temporary.close);
const at = (name: string) => join(temporary.path, name);

const options = { config: 'none', output: temporary.path, quiet: true };
const failureOf = (work: (context: Context) => Promise<void>, endsBy?: readonly NodeJS.Signals[]) =>
  inContext(options, work, endsBy).then(
    () => null,
    (error: Error) => error,
  );

describe('work that is interrupted', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s hears so by its signal, whose reason tells the person',
    async (name) => {
      const failure = await failureOf(async ({ signal }) => {
        process.emit(name);
        signal.throwIfAborted();
      });
      expect(failure).toMatchObject({ name: 'Interrupted', message: expect.stringContaining('what was done is kept') });
      expect(process.listenerCount(name)).toBe(0);
    },
  );

  it('and could not do the rest of it is interrupted, in the words of what it was at', async () => {
    const failure = await failureOf(async () => {
      process.emit('SIGINT');
      throw new RunError('the listing broke off');
    });
    expect(failure).toMatchObject({ name: 'Interrupted', message: 'the listing broke off' });
  });

  it('is interrupted also where a child heard of it first', async () => {
    const failure = await failureOf(async () => {
      setImmediate().then(() => process.emit('SIGINT'));
      throw new RunError('the child was ended');
    });
    expect(failure?.name).toBe('Interrupted');
  });

  it('but met a full disk, or a bug, says that instead', async () => {
    for (const met of [Object.assign(new Error('full'), { code: 'ENOSPC' }), new TypeError('a bug')]) {
      const failure = await failureOf(async () => {
        process.emit('SIGINT');
        throw met;
      });
      expect(failure).toBe(met);
    }
  });

  it('is no failure that nobody interrupted', async () => {
    const met = new RunError('a dead master');
    expect(await failureOf(() => Promise.reject(met))).toBe(met);
  });

  it('only by the signals that mean so', async () => {
    const heard = () => {};
    process.on('SIGHUP', heard);
    const failure = await failureOf(
      async ({ signal }) => {
        process.emit('SIGHUP');
        signal.throwIfAborted();
      },
      ['SIGINT'],
    );
    process.off('SIGHUP', heard);
    expect(failure).toBeNull();
  });
});

describe('the output folder', () => {
  writeFileSync(at('file'), '');
  symlinkSync('circle', at('circle'));
  const outputOf = async (output: string) => {
    let folder = '';
    await inContext({ ...options, output }, async (context) => {
      folder = context.output;
    });
    return folder;
  };

  it('need not be there', async () => {
    expect(await outputOf(at('none'))).toBe(at('none'));
  });

  it.each([
    ['file', 'it is not a folder'],
    ['file/below', 'a part of the path is not a directory (ENOTDIR)'],
    ['circle', 'its symbolic links lead in a circle (ELOOP)'],
    ['x'.repeat(300), 'the name is too long (ENAMETOOLONG)'],
  ])('can not be %s', async (name, why) => {
    await expect(outputOf(at(name))).rejects.toMatchObject({
      name: 'UsageError',
      message: `--output ${at(name)}: ${why}; name a folder`,
    });
  });

  it('is not asked for by a command that has no use for it', async () => {
    await inContext({ ...options, output: at('file') }, async () => {});
  });
});

describe('an error of the system', () => {
  it('is a bug where no sentence of ours explains it', () => {
    const silence = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => silence.mockRestore());
    const code = (name: string) => reportFailure(Object.assign(new Error(name), { code: name, path: '/a/file' }));
    expect([code('ENOSPC'), code('EIO'), code('EDQUOT'), code('ENFILE')]).toEqual(Array(4).fill(ExitCode.failed));
    expect([code('ENOENT'), code('EEXIST'), code('EBADF')]).toEqual(Array(3).fill(ExitCode.bug));
  });
});
