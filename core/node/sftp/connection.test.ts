import { userInfo } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { requires } from '../../../test/debian-packages.ts';
import { type SftpAnswer, type SftpScript, startScriptedSftp } from '../../../test/servers/scripted-sftp.ts';
import { startSshd } from '../../../test/servers/sshd.ts';
import { SftpConnection } from './connection.ts';
import { foreignText, SftpError, SftpStatus } from './error.ts';

const TIMEOUT_MS = 1000;

const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of toClose.splice(0).reverse()) await each.close();
});

async function connected(script: SftpScript): Promise<SftpConnection> {
  const server = await startScriptedSftp(script);
  toClose.push(server);
  const { port, user, privateKey, hostKeySha256 } = server;
  const place = { host: '127.0.0.1', port, user, privateKey, hostKeySha256, timeoutMs: TIMEOUT_MS };
  const connection = await SftpConnection.open(place);
  toClose.push(connection);
  return connection;
}

const failureOf = (work: Promise<unknown>): Promise<SftpError> =>
  work.then(
    () => expect.fail('no failure'),
    (error: SftpError) => error,
  );

/** Opens whatever is asked for, and closes it; the rest is as told. */
const openly =
  (then: SftpScript): SftpScript =>
  (request, nth, path) => {
    if (request === 'opendir' || request === 'open') return 'handle';
    return request === 'close' ? { status: 0 } : then(request, nth, path);
  };

requires('sshd')('a listing', () => {
  test('is that of all answers, to the end', async () => {
    const connection = await connected(
      openly((_, nth) => (nth < 3 ? { names: [`a${nth}`, '.', '..'] } : { status: SftpStatus.endOfFile })),
    );
    expect((await connection.list('/d')).map(({ name }) => name)).toEqual(['a1', 'a2']);
  });

  test('that is asked for in several pieces at once has all of them', async () => {
    let most = 0;
    const connection = await connected(
      openly((_, nth) => {
        most = nth;
        return nth <= 40 ? { names: [`a${nth}`] } : { status: SftpStatus.endOfFile };
      }),
    );
    const names: string[] = [];
    for await (const batch of connection.batches('/d', { atOnce: 8 })) names.push(...batch.map(({ name }) => name));
    expect(names.sort()).toEqual(Array.from({ length: 40 }, (_, i) => `a${i + 1}`).sort());
    // Seven were under way behind the end.
    expect(most).toBe(48);
  });

  const rows: [name: string, script: SftpScript, reason: RegExp, isOpen: boolean][] = [
    ['stalls', openly((_, nth) => (nth < 3 ? { names: ['a'] } : null)), /"\/d": no answer within 1 s$/, false],
    ['is cut', openly((_, nth) => (nth < 3 ? { names: ['a'] } : 'cut')), /"\/d": the connection was cut$/, false],
    ['does not end', openly(() => ({ names: ['x'.repeat(5000)] })), /"\/d": its listing does not end$/, true],
    ['does not end and brings nothing', openly(() => ({ names: [] })), /"\/d": its listing does not end$/, true],
    ['fails in the middle', openly((_, nth) => (nth < 3 ? { names: ['a'] } : { status: 4 })), /"\/d": failure$/, true],
  ];
  test('that is large is counted as it comes, and little of it is asked for near the bound', async () => {
    const LARGE = 200_000;
    let asked = 0;
    const connection = await connected(
      openly((request) => {
        if (request !== 'readdir') return { status: 4 };
        // What comes behind the bound is not waited for.
        return ++asked > 5 ? null : { names: ['x'.repeat(LARGE)] };
      }),
    );
    const drain = async () => {
      for await (const _ of connection.batches('/d', { maxBytes: 4.5 * LARGE, atOnce: 16 }));
    };
    expect((await failureOf(drain())).message).toMatch(/its listing does not end$/);
    expect(asked).toBe(5);
  });

  test('shares the pieces under way with others on the connection', async () => {
    const asked: Record<string, number> = {};
    const connection = await connected(
      openly((request, _, path) => {
        if (request !== 'readdir') return { status: 4 };
        asked[path] = (asked[path] ?? 0) + 1;
        // Silence after the first three: whatever is asked for stays under way.
        return asked[path] <= 3 ? { names: ['a'] } : null;
      }),
    );
    const drained = async (directory: string) => {
      for await (const _ of connection.batches(directory, { atOnce: 4 }));
    };
    const directories = Array.from({ length: 8 }, (_, i) => `/d${i}`);
    const failures = await Promise.all(directories.map((directory) => failureOf(drained(directory))));
    expect(failures.map(({ reason }) => reason)).toEqual(directories.map(() => 'no answer within 1 s'));
    // One for each, and no more than four where another waits.
    const underWay = Object.values(asked).reduce((sum, count) => sum + count - 3, 0);
    expect(underWay).toBeLessThanOrEqual(8 + 3);
  });

  test.each(['endless name', 'sizeless', 'handle', { status: 0 }, { data: Buffer.alloc(5) }] as SftpAnswer[])(
    'that is answered by %j is an error, and the connection is of use or cut',
    async (answer) => {
      const connection = await connected(openly(() => answer));
      const error = await failureOf(connection.list('/d'));
      expect(error).toBeInstanceOf(SftpError);
      expect(error.reason).toMatch(/^(answers something else than was asked for|the connection was cut)$/);
      expect(await connection.list('/d').catch((thrown) => thrown)).toBeInstanceOf(SftpError);
    },
  );

  test.each(rows)('that %s is an error in bounded time, never a shorter listing', async (_, script, reason, isOpen) => {
    const connection = await connected(script);
    const error = await failureOf(connection.list('/d', 100_000));
    expect(error.message).toMatch(reason);
    expect(error.status).toBe(reason.source.includes('failure') ? SftpStatus.failure : null);
    expect(connection.isOpen).toBe(isOpen);
  });
});

requires('sshd')('a transfer', () => {
  const file = (read: SftpScript): SftpScript =>
    openly((request, ...rest) => (request === 'fstat' ? { sizeBytes: 100_000 } : read(request, ...rest)));

  test.each([
    ['is cut', 'cut', /"\/f": the connection was cut$/],
    ['stalls', null, /"\/f": no answer within 1 s$/],
  ] as const)('that %s is an error, never a part', async (_, fault, reason) => {
    const connection = await connected(file((_request, nth) => (nth < 2 ? { data: Buffer.alloc(9000) } : fault)));
    const error = await failureOf(connection.read('/f'));
    expect(error.message).toMatch(reason);
    expect([error.status, connection.isOpen]).toEqual([null, false]);
  });
});

requires('sshd')('an answer of another kind', () => {
  const answers: SftpAnswer[] = [
    'endless name',
    'sizeless',
    'handle',
    { status: 0 },
    { names: [] },
    { names: ['a'] },
    { data: Buffer.alloc(5) },
  ];
  test.each(answers)(
    '%j to whatever is asked is an error that names the path, or what was asked for',
    async (answer) => {
      const connection = await connected(() => answer);
      const asks = [
        connection.readLink('/p'),
        connection.sizeBytes('/p'),
        connection.exists('/p'),
        connection.list('/p'),
      ];
      for (const asked of await Promise.allSettled(asks)) {
        if (asked.status === 'fulfilled') expect(['a', true]).toContain(asked.value);
        else expect(asked.reason).toMatchObject({ name: 'SftpError', message: expect.stringContaining(':"/p": ') });
      }
    },
  );
});

requires('sshd')('whether anything is there', () => {
  test('is told where the server tells no size of a directory', async () => {
    const connection = await connected((_, __, path) => (path === '/d' ? 'sizeless' : { status: 2 }));
    expect(await connection.exists('/d')).toBe(true);
    expect(await connection.exists('/none')).toBe(false);
    expect((await failureOf(connection.sizeBytes('/d'))).reason).toBe('tells no size');
  });
});

requires('sshd')('what the server says of a path', () => {
  test('does without the name of the user, however it is quoted or cut', async () => {
    const front = 'x'.repeat(78);
    let user = '';
    const connection = await connected(() => ({ status: 77, said: `${front}${user} has no such folder` }));
    user = userInfo().username;
    expect((await failureOf(connection.list('/d'))).reason).toBe(`"${front}… …"`);
    // OpenSSH lets no such user in.
    expect(foreignText('no home of CORP\\reader', 'CORP\\reader')).toBe('"no home of …"');
  });

  test.each([
    [SftpStatus.noSuchFile, 'no such file'],
    [SftpStatus.permissionDenied, 'permission denied'],
    [SftpStatus.failure, 'failure'],
    [77, '"said"'],
  ])('status %d is told as it is', async (status, words) => {
    const connection = await connected(() => ({ status }));
    for (const work of [() => connection.list('/d'), () => connection.read('/d'), () => connection.remove('/d')]) {
      const error = await failureOf(work());
      expect([error.status, error.message]).toEqual([status, expect.stringMatching(`"/d": ${words}$`)]);
    }
    expect(connection.isOpen).toBe(true);
  });
});

describe('over OpenSSH itself', () => {
  requires('sshd')('a directory', () => {
    test('that is missing is told from one that is a file', async () => {
      const server = await startSshd();
      toClose.push(server);
      const { port, user, privateKey, hostKeySha256, privateKeyFile } = server;
      const place = { host: '127.0.0.1', port, user, privateKey, hostKeySha256, timeoutMs: TIMEOUT_MS };
      const connection = await SftpConnection.open(place);
      toClose.push(connection);
      expect((await failureOf(connection.list(`${privateKeyFile}-none`))).status).toBe(SftpStatus.noSuchFile);
      expect((await failureOf(connection.read(privateKeyFile.replace(/\/[^/]*$/, '')))).status).toBe(
        SftpStatus.failure,
      );
    });
  });
});
