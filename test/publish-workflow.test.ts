import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plantTree } from '../demo/tree.ts';
import { requires } from './debian-packages.ts';
import { startNginx } from './servers/nginx.ts';
import { type Sshd, startSshd } from './servers/sshd.ts';
import { type JobResult, runWorkflow } from './workflow-runner.ts';

const workflows = fileURLToPath(new URL('../.github/workflows/', import.meta.url));
const MINUTES = 60_000;

requires('nginx', 'sshd')('the workflow that publishes, run line by line', () => {
  const work = mkdtempSync(join(tmpdir(), 'redirector-publish-workflow-'));
  const at = (name: string) => join(work, name);
  const servers: { close(): Promise<void> }[] = [];
  let sshd: Sshd;
  /** What the newest run of "maps" has left. */
  let built = '';

  beforeAll(async () => {
    const tree = plantTree(at('tree'), { objects: 300, seed: 5 });
    sshd = await startSshd();
    servers.push(sshd);
    const nginx = await startNginx(Array.from({ length: 3 }, () => ({ root: tree.folder })));
    servers.push(nginx);
    const group = (country: string, i: number) =>
      `<mirrorgroup region="x" country="${country}" countryname="x"><mirror><name>m${i}</name><uri protocol="http" ipv4="y" ipv6="n" partial="n">${nginx.sites[i]?.httpUrl}</uri></mirror></mirrorgroup>`;
    const groups = ['DE', 'US', 'JP'].map(group).join('');
    writeFileSync(at('distfiles.xml'), `<?xml version="1.0"?><mirrors>${groups}</mirrors>`);
    mkdirSync(at('checkout/.github'), { recursive: true });
    mkdirSync(at('origin'));
    writeFileSync(at('checkout/.github/redirector.toml'), configuration());
  });

  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(work, { recursive: true, force: true });
  });

  /** The project's own, with the places of this machine. */
  function configuration(): string {
    const text = readFileSync(new URL('../.github/redirector.toml', import.meta.url), 'utf8');
    const sftp = `sftp://${sshd.user}@127.0.0.1:${sshd.port}`;
    const places: readonly (readonly [RegExp, string])[] = [
      [/^from = .*$/m, `from = "${at('tree')}"`],
      [/^list = .*$/m, `list = "${at('distfiles.xml')}"`],
      [/^at = .*$/m, `at = "${sftp}${at('store')}"`],
      [/^url = .*$/m, `url = "${sftp}${at('origin')}"`],
      [/^host_key = .*$/gm, `host_key = "${sshd.hostKeySha256}"`],
      [/^\[check\]$/m, '[check]\ntimeout = "2s"'],
      [/^(country = .*)$/gm, '$1\noverlap = 1'],
    ];
    return places.reduce((before, [pattern, place]) => {
      expect(before).toMatch(pattern);
      return before.replace(pattern, place);
    }, text);
  }

  async function run(file: string, options: { left?: string; inputs?: Record<string, string | boolean> } = {}) {
    const { left, inputs = {} } = options;
    const key = sshd.privateKey;
    return runWorkflow(
      join(workflows, file),
      {
        folder: work,
        checkout: at('checkout'),
        secrets: { STORE_KEY: key, ORIGIN_KEY: key },
        selfHostedEnv: { REDIRECTOR_STORE_KEY: key },
        programs: {
          sudo: '#!/bin/sh\n',
          // The newest run of either workflow, and what it has left.
          gh: `#!/bin/sh\n[ "$1" = api ] && ${left === undefined ? 'exit 0' : 'echo output'} || echo 4711\n`,
        },
        artifacts: left === undefined ? {} : { output: left },
      },
      { inputs },
    );
  }

  async function build(): Promise<string> {
    const jobs = await run('maps.yml');
    expect(jobs['build']?.result, JSON.stringify(jobs, null, 1)).toBe('success');
    return jobs['build']?.artifacts['output'] as string;
  }

  async function publish(left: string | null, inputs: Record<string, string | boolean>): Promise<JobResult> {
    const jobs = await run('publish.yml', left === null ? { inputs } : { left, inputs });
    return jobs['publish'] as JobResult;
  }

  const releases = () => (existsSync(at('origin/releases')) ? readdirSync(at('origin/releases')).sort() : []);
  const current = () => readlinkSync(at('origin/current')).replace(/^.*\//, '');

  it(
    'a dry run publishes nothing; then what was built is published, and can be taken back',
    async () => {
      built = await build();
      const dry = await publish(built, {});
      expect(dry.result, dry.log).toBe('success');
      expect(dry.log).toContain('a dry run, nothing was published');
      expect(releases()).toEqual([]);

      const done = await publish(built, { action: 'publish' });
      expect(done.result, done.log).toBe('success');
      expect(done.log).toMatch(/answers replayed, none wrong/);
      expect(releases()).toEqual([current()]);
      expect(readFileSync(at('origin/current/site/index.html'), 'utf8')).toContain('3 of 3 access points are up');

      writeFileSync(at('tree/distfiles/brand-new.tar.xz'), 'x'.repeat(77));
      const before = current();
      built = await build();
      const second = await publish(built, { action: 'publish' });
      expect(second.result, second.log).toBe('success');
      expect(releases()).toEqual([before, current()]);

      const back = await publish(null, { action: 'rollback', reason: 'a try' });
      expect(back.result, back.log).toBe('success');
      expect(current()).toBe(before);
    },
    5 * MINUTES,
  );

  it(
    'where nothing was built nothing is published; force wants a reason, and what a person types is no shell',
    async () => {
      const before = current();
      const nothing = await publish(null, { action: 'publish' });
      expect(nothing.result, nothing.log).toBe('success');
      expect(nothing.log).not.toContain('$ options');
      const unreasoned = await publish(built, { action: 'publish', force: true });
      expect(unreasoned).toMatchObject({ result: 'failure', log: expect.stringContaining('--reason') });
      const evil = await publish(built, {
        action: 'rollback',
        release: `$(touch ${at('evil')})"; touch ${at('evil')}; "`,
      });
      expect(evil.result).toBe('failure');
      expect(existsSync(at('evil'))).toBe(false);
      expect(current()).toBe(before);
    },
    5 * MINUTES,
  );
});
