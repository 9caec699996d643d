import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requires } from '../../test/debian-packages.ts';
import { keep } from '../../test/keep.ts';
import { startSftpMirror } from '../../test/servers/sftp-mirror.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { collect, type Entry } from '../testing/collect.ts';
import { TWO_DIRECTORIES } from '../testing/inventory.ts';
import { plantFiles } from '../testing/servers.ts';
import { sftp } from './sftp.ts';

requires('sshd')('the login', () => {
  const check = async (change: (entry: Required<Entry>) => Entry) => {
    const root = keep(tempFolder());
    plantFiles(root.path, { 'a/there': 5 });
    const mirror = keep(await startSftpMirror(root.path));
    const { report, results: found } = await collect(sftp, TWO_DIRECTORIES, mirror.url, {
      entry: change(mirror.entry),
    });
    return { report, found, sshd: mirror.sshd };
  };

  test('another host key: nothing is sent, and the reason has both fingerprints', async () => {
    const other = `SHA256:${'A'.repeat(43)}`;
    const { report, sshd } = await check(({ login, sftpKey }) => ({
      login: { ...login, hostKeySha256: other },
      sftpKey,
    }));
    expect(report).toMatchObject({ ended: 'unusable', connections: 2 });
    expect(report.reason).toBe(
      `its host key is ${sshd.hostKeySha256}, not the one that is expected ("${other}"); nothing was sent`,
    );
    expect(await sshd.log()).not.toMatch(/Accepted|userauth|Failed publickey/i);
  });

  test('without a key of ours that is of use nothing is told of the access point', async () => {
    const before = process.env['SSH_AUTH_SOCK'];
    const folder = keep(tempFolder()).path;
    const file = join(folder, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', file]);
    const agentSocket = join(folder, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', agentSocket], { stdio: 'ignore' });
    await expect.poll(() => existsSync(agentSocket)).toBe(true);
    const rows: [key: string | null, agent: string, reason: RegExp][] = [
      [
        'no key',
        '',
        /^it cannot be asked from here: the private key cannot be used, .*; name one without a passphrase$/,
      ],
      [readFileSync(file, 'utf8'), '', /^it cannot be asked from here: .*Encrypted .*; name one without a passphrase$/],
      [readFileSync(`${file}.pub`, 'utf8'), '', /^it cannot be asked from here: the private key cannot be used/],
      ['', '', /^it cannot be asked from here: the file of the private key is empty$/],
      [null, '', /^it cannot be asked from here: no key is given and no ssh-agent runs/],
      [
        null,
        join(folder, 'no-agent'),
        /^it cannot be asked from here: no key is given and the ssh-agent.* does not answer$/,
      ],
      [null, agentSocket, /^it cannot be asked from here: no key is given and the ssh-agent.* holds none$/],
    ];
    try {
      for (const [sftpKey, agent, reason] of rows) {
        if (agent === '') delete process.env['SSH_AUTH_SOCK'];
        else process.env['SSH_AUTH_SOCK'] = agent;
        const { report, found } = await check(({ login }) => (sftpKey === null ? { login } : { login, sftpKey }));
        expect(report).toMatchObject({ ended: 'unasked', reason: expect.stringMatching(reason) });
        expect(found).toEqual({});
      }
      // As soon as it holds the right one, it is as any key.
      const right = join(folder, 'right');
      const { report } = await check(({ login, sftpKey }) => {
        writeFileSync(right, sftpKey, { mode: 0o600 });
        execFileSync('ssh-add', ['-q', right], { stdio: 'ignore' });
        return { login };
      });
      expect(report).toMatchObject({ ended: 'whole' });
    } finally {
      agent.kill();
      if (before === undefined) delete process.env['SSH_AUTH_SOCK'];
      else process.env['SSH_AUTH_SOCK'] = before;
    }
  });

  test('a key that is refused: the reason says so, and never who the user is', async () => {
    const other = keep(await startSftpMirror('/'));
    const refused = await check(({ login }) => ({ login, sftpKey: other.entry.sftpKey }));
    expect(refused.report.reason).toMatch(/^it refuses the key; give another key, or add the public one/);
    expect(refused.report.ended).toBe('unusable');
    expect(Object.values(refused.found).join(' ')).not.toContain(other.entry.login.user);
  });

  test('an access point without a login is not called down for that', async () => {
    const { report, found } = await check(({ sftpKey }) => ({ sftpKey }));
    expect(found).toEqual({});
    expect(report).toMatchObject({
      ended: 'unasked',
      connections: 0,
      reason: expect.stringMatching(/^no user and host/),
    });
  });
});

requires('sshd')('a real tree', () => {
  test('of which nothing may be listed is denied, not absent', async () => {
    const root = keep(tempFolder());
    plantFiles(root.path, { 'a/there': 5, 'b/other': 7 });
    const mirror = keep(await startSftpMirror(root.path, { sftpFlags: '-P opendir' }));
    const { report, results: found } = await collect(sftp, TWO_DIRECTORIES, mirror.url, { entry: mirror.entry });
    expect(report).toMatchObject({ ended: 'unusable', reason: 'permission denied' });
    expect(new Set(Object.values(found))).toEqual(new Set(['failed: permission denied']));
  });

  test('a link in place of a directory is one to those who ask', async () => {
    const root = keep(tempFolder());
    plantFiles(root.path, { 'real/there': 5, 'b/other': 7 });
    symlinkSync('real', join(root.path, 'a'));
    const mirror = keep(await startSftpMirror(root.path));
    const { results: found } = await collect(sftp, TWO_DIRECTORIES, mirror.url, { entry: mirror.entry });
    expect(found).toMatchObject({ a: 'present', 'a/there': 'present 5', 'a/gone': 'absent' });
  });

  test('the folder may have any name that a URL can carry', async () => {
    const root = keep(tempFolder());
    const odd = join(root.path, 'täglich 100%');
    mkdirSync(odd);
    plantFiles(odd, { 'a/there': 5 });
    const mirror = keep(await startSftpMirror(odd));
    const { results: found } = await collect(sftp, TWO_DIRECTORIES, mirror.url, { entry: mirror.entry });
    expect(found).toMatchObject({ 'a/there': 'present 5', 'b/other': 'absent' });
  });
});
