import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plantTree } from '../demo/tree.ts';
import { requires } from './debian-packages.ts';
import { startNginx } from './servers/nginx.ts';
import { startWorkflowPlace, type WorkflowPlace } from './workflow-place.ts';
import type { JobResult } from './workflow-runner.ts';

const MINUTES = 60_000;

requires('nginx', 'sshd')('the workflow that publishes, run line by line', () => {
  const work = mkdtempSync(join(tmpdir(), 'redirector-publish-workflow-'));
  const at = (name: string) => join(work, name);
  const servers: { close(): Promise<void> }[] = [];
  let workflows: WorkflowPlace;
  /** What the newest run of "maps" has left. */
  let built = '';

  beforeAll(async () => {
    const tree = plantTree(at('tree'), { objects: 300, seed: 5 });
    const nginx = await startNginx(Array.from({ length: 3 }, () => ({ root: tree.folder })));
    servers.push(nginx);
    const urls = nginx.sites.map(({ httpUrl }) => httpUrl as string);
    workflows = await startWorkflowPlace(work, urls);
    servers.push(workflows);
  });

  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(work, { recursive: true, force: true });
  });

  async function build(): Promise<string> {
    const jobs = await workflows.run('maps.yml');
    expect(jobs['build']?.result, JSON.stringify(jobs, null, 1)).toBe('success');
    return jobs['build']?.artifacts['output'] as string;
  }

  async function publish(left: string | null, inputs: Record<string, string | boolean>): Promise<JobResult> {
    const jobs = await workflows.run('publish.yml', {
      inputs,
      programs: {
        sudo: '#!/bin/sh\n',
        // The newest run of either workflow, and what it has left.
        gh: `#!/bin/sh\n[ "$1" = api ] && ${left === null ? 'exit 0' : 'echo output'} || echo 4711\n`,
      },
      artifacts: left === null ? {} : { output: left },
    });
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
