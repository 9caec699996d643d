import { afterEach, describe, expect, test } from 'vitest';
import { requires } from '../../../test/debian-packages.ts';
import { type SftpScript, startScriptedSftp } from '../../../test/servers/scripted-sftp.ts';
import { startSshd } from '../../../test/servers/sshd.ts';
import { SftpConnection } from './connection.ts';
import { type SftpError, SftpStatus } from './error.ts';

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
    // 1, 2, 4, then 8 at once.
    expect(most).toBe(47);
  });

  const rows: [name: string, script: SftpScript, reason: RegExp, isOpen: boolean][] = [
    ['stalls', openly((_, nth) => (nth < 3 ? { names: ['a'] } : null)), /"\/d": no answer within 1 s$/, false],
    ['is cut', openly((_, nth) => (nth < 3 ? { names: ['a'] } : 'cut')), /"\/d": the connection was cut$/, false],
    ['does not end', openly(() => ({ names: ['x'.repeat(5000)] })), /"\/d": its listing does not end$/, true],
    ['does not end and brings nothing', openly(() => ({ names: [] })), /"\/d": its listing does not end$/, true],
    ['fails in the middle', openly((_, nth) => (nth < 3 ? { names: ['a'] } : { status: 4 })), /"\/d": failure$/, true],
  ];
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

requires('sshd')('what the server says of a path', () => {
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
