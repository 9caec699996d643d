import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildOutput } from './built-output.ts';
import { requires } from './debian-packages.ts';
import { runHere } from './front-door.ts';
import { type Sshd, startSshd } from './servers/sshd.ts';
import { evidenceOf, FALLBACK, inventoryOf } from './small-build.ts';
import { wholeCurrent } from './suites/origin.ts';

const NAMES = ['', 'distfiles/', ...Array.from({ length: 50 }, (_, i) => `distfiles/f${i}`)];

requires('sshd')('publish over SFTP', () => {
  const work = mkdtempSync(join(tmpdir(), 'redirector-publish-'));
  const output = join(work, 'output');
  const remote = join(work, 'remote/below');
  let sshd: Sshd;

  const configure = (hostKey: string, keyFile = sshd.privateKeyFile) => {
    const lines = [
      `fallback = "${FALLBACK}"`,
      '[[inventory]]\nfrom = "tree"',
      `[[publish.target]]\nname = "here"\ntype = "directory"\nfolder = "here"`,
      `[[publish.target]]\nname = "www"\ntype = "sftp"`,
      `url = "sftp://${sshd.user}@127.0.0.1:${sshd.port}${remote}"`,
      `key = ${JSON.stringify(keyFile)}\nhost_key = "${hostKey}"\n`,
    ];
    writeFileSync(join(work, 'redirector.toml'), lines.join('\n'));
  };
  const build = (nowMs: number) => {
    const evidence = ['DE', 'US'].map((country) =>
      evidenceOf(NAMES.length, { host: country.toLowerCase(), country, protocol: 'https', holds: (id) => id % 7 > 0 }),
    );
    return buildOutput(output, inventoryOf(NAMES), evidence, nowMs);
  };
  const run = (...args: string[]) => runHere(...args, '--config', join(work, 'redirector.toml'), '--output', output);

  beforeAll(async () => {
    sshd = await startSshd();
    configure(sshd.hostKeySha256);
    await build(Date.now() - 10_000);
  });
  afterAll(async () => {
    await sshd.close();
    rmSync(work, { recursive: true, force: true });
  });

  it('goes to all targets, or to one; releases and rollback look there', async () => {
    const first = JSON.parse((await run('publish', '--json', '--quiet')).stdout);
    expect(first.uploads.map((one: { target: string }) => one.target)).toEqual(['here', 'www']);
    expect(wholeCurrent(remote)).toBe(first.releaseId);
    expect(wholeCurrent(join(work, 'here'))).toBe(first.releaseId);
    await build(Date.now() - 5000);
    const second = JSON.parse((await run('publish', '--json', '--quiet', '--target', 'www')).stdout);
    expect(wholeCurrent(remote)).toBe(second.releaseId);
    expect(wholeCurrent(join(work, 'here'))).toBe(first.releaseId);
    const about = (id: string) => statSync(join(remote, 'releases', id, 'site/about.html')).ino;
    expect(about(first.releaseId)).toBe(about(second.releaseId));
    const { stdout } = await run('releases', '--target', 'www');
    expect(stdout).toContain(`→ ${second.releaseId}`);
    const both = await run('rollback', '--to', second.releaseId);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('no such release at here') });
    expect((await run('rollback', '--quiet', '--target', 'www')).code).toBe(0);
    expect(wholeCurrent(remote)).toBe(first.releaseId);
    expect(await run('publish', '--target', 'nowhere')).toMatchObject({
      code: 2,
      stderr: '--target "nowhere": no such target; there are: here, www\n',
    });
  });

  it('never says a word of the key, whatever is wrong', async () => {
    const before = wholeCurrent(remote);
    const foreignKey = join(work, 'foreign');
    writeFileSync(
      foreignKey,
      '-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0LXNlY3JldA==\n-----END OPENSSH PRIVATE KEY-----\n',
    );
    configure(sshd.hostKeySha256, foreignKey);
    const broken = await run('publish', '--target', 'www');
    expect(broken.code).toBe(1);
    expect(broken.stderr).not.toMatch(/c2VjcmV0|secret-secret|BEGIN/);
    configure(sshd.hostKeySha256, join(work, 'missing'));
    expect(await run('publish', '--target', 'www')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/missing: cannot be read \(ENOENT.*; name the file of a private key/),
    });
    configure(`SHA256:${'A'.repeat(43)}`);
    const changed = await run('publish', '--target', 'www');
    expect(changed.code).toBe(1);
    expect(changed.stderr).toContain(`its host key is ${sshd.hostKeySha256}, not the one that is expected`);
    expect(wholeCurrent(remote)).toBe(before);
    expect(existsSync(join(remote, 'lock.json'))).toBe(false);
    expect(readdirSync(remote).sort()).toEqual(['current', 'publications.json', 'releases']);
  });
});
