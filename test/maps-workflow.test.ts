import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeHistory } from '../core/formats/history-file.ts';
import { decodeLiveness } from '../core/formats/liveness-file.ts';
import { decodeStatus } from '../core/formats/status-file.ts';
import { readLeader } from '../core/node/leader-files.ts';
import { outputLayout } from '../core/output-layout.ts';
import { plantTree } from '../demo/tree.ts';
import { parseKeys } from '../edge-shim/built-function.ts';
import { requires } from './debian-packages.ts';
import { type Nginx, startNginx } from './servers/nginx.ts';
import { startWorkflowPlace, type WorkflowPlace } from './workflow-place.ts';
import type { RunResult } from './workflow-runner.ts';

/** Each run is some twenty commands. */
const MINUTES = 60_000;

requires('nginx', 'sshd')('the workflows, run line by line on machines that keep nothing', () => {
  const work = mkdtempSync(join(tmpdir(), 'redirector-workflow-'));
  const at = (name: string) => join(work, name);
  const store = at('store');
  const servers: { close(): Promise<void> }[] = [];
  let workflows: WorkflowPlace;
  /** Of the third mirror alone. */
  let third: Nginx;
  let objects = 0;

  beforeAll(async () => {
    const tree = plantTree(at('tree'), { objects: 700, seed: 5 });
    objects = tree.objects.length;
    // The mirrors are as of now; the tree will move on.
    execFileSync('cp', ['-a', tree.folder, at('mirror')]);
    const nginx = await startNginx(Array.from({ length: 2 }, () => ({ root: at('mirror') })));
    servers.push(nginx);
    third = await startNginx([{ root: at('mirror') }]);
    servers.push(third);
    const urls = [...nginx.sites, ...third.sites].map(({ httpUrl }) => httpUrl as string);
    workflows = await startWorkflowPlace(work, urls);
    servers.push(workflows);
  });

  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(work, { recursive: true, force: true });
  });

  const resultsOf = (jobs: RunResult) =>
    Object.fromEntries(Object.entries(jobs).map(([name, { result }]) => [name, result]));
  const ALL_WELL = {
    inventory: 'success',
    'check (europe)': 'success',
    'check (america)': 'success',
    'check (asia)': 'success',
    build: 'success',
  };
  const statusOf = (folder: string) => {
    const file = outputLayout.siteData(join(folder, 'output'));
    return decodeStatus(readFileSync(file, 'utf8'), file);
  };
  /** In the order in which the mirrors were listed. */
  const pointsOf = (folder: string) =>
    [...statusOf(folder).mirrors]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap(({ accessPoints }) => accessPoints);
  const keysIn = (output: string): ReadonlyMap<string, string> => {
    const file = outputLayout.edgeKeys(output);
    return parseKeys(readFileSync(file, 'utf8'), file);
  };
  /** Of the last run of "maps". */
  let keysBefore: ReadonlyMap<string, string> = new Map();
  const stored = () => readdirSync(store, { recursive: true }).map(String).sort();

  it(
    'a first run, in which the machine of one vantage vanishes: the others are built with what there is',
    async () => {
      // With all that it has found.
      const vanishesAfter = (job: string, command: string) => job === 'check (asia)' && command.includes(' check ');
      const jobs = await workflows.run('maps.yml', { vanishesAfter });
      expect(resultsOf(jobs), JSON.stringify(jobs, null, 1)).toEqual({ ...ALL_WELL, 'check (asia)': 'died' });
      const output = jobs['build']?.artifacts['output'] as string;
      expect(pointsOf(output).map(({ state, coverage }) => [state, coverage])).toEqual([
        ['up', 1],
        ['up', 1],
        ['up', 0],
      ]);
      for (const file of ['edge/kvs.json', 'edge/function.js', 'site/index.html', 'maps/DE.msgpack']) {
        expect(existsSync(join(output, 'output', file)), file).toBe(true);
      }
      expect(existsSync(join(output, 'output/observations'))).toBe(false);
      expect(stored().filter((path) => /^(observations|history|liveness)\/(europe|america|asia)/.test(path))).toEqual(
        expect.arrayContaining([
          ...['history/america', 'history/europe', 'observations/america', 'observations/europe'],
          ...['liveness/america.json', 'liveness/europe.json'],
        ]),
      );
      expect(stored().filter((path) => path.includes('asia'))).toEqual([]);
    },
    5 * MINUTES,
  );

  it(
    'a second run knows what the first one found: it asks only for what is new, or was not reached',
    async () => {
      const before = readLeader(store).inventory;
      writeFileSync(at('tree/distfiles/brand-new.tar.xz'), 'x'.repeat(77));
      writeFileSync(at('mirror/distfiles/brand-new.tar.xz'), 'x'.repeat(77));
      const jobs = await workflows.run('maps.yml');
      expect(resultsOf(jobs), JSON.stringify(jobs, null, 1)).toEqual(ALL_WELL);
      const { inventory } = readLeader(store);
      expect(inventory.paths.slice(0, before.paths.length)).toEqual(before.paths);
      const asked = (job: string) => Number(/; (\d+) present/.exec(jobs[job]?.log ?? '')?.[1] ?? Number.NaN);
      expect([asked('check (europe)'), asked('check (america)')].every((count) => count < objects / 10)).toBe(true);
      expect(jobs['check (asia)']?.log).toMatch(/check: 1 access point \(1 up/);
      const file = outputLayout.liveness(store);
      const folded = decodeLiveness(readFileSync(file, 'utf8'), file).accessPoints;
      // The nearest vantage, and whoever builds.
      expect(folded.map(({ vantages = {} }) => Object.keys(vantages).join(' ')).sort()).toEqual([
        ' america',
        ' asia',
        ' europe',
      ]);
      const output = jobs['build']?.artifacts['output'] as string;
      keysBefore = keysIn(join(output, 'output'));
      const points = pointsOf(output);
      expect(points.map(({ state, coverage }) => [state, coverage])).toEqual(points.map(() => ['up', 1]));
      const checks = points.map(({ id }) => {
        const file = outputLayout.history(join(output, 'output'), id);
        return decodeHistory(readFileSync(file, 'utf8'), file).days.reduce((sum, day) => sum + day.checks, 0);
      });
      expect(checks).toEqual([2, 2, 1]);
    },
    5 * MINUTES,
  );

  it(
    'a dry run asks nothing; what a person types is no shell',
    async () => {
      const before = stored();
      const dry = await workflows.run('maps.yml', { inputs: { dry_run: true, full: true, tree: 'distfiles' } });
      expect(resultsOf(dry), JSON.stringify(dry, null, 1)).toEqual({ ...ALL_WELL, build: 'skipped' });
      expect(dry['check (europe)']?.log).toMatch(/http: \d{3} objects by http-head \(\d+ rolling\)/);
      const evil = await workflows.run('maps.yml', {
        inputs: { dry_run: true, tree: `$(touch ${at('evil')})"; touch ${at('evil')}; "` },
      });
      expect(evil['check (asia)']).toMatchObject({
        result: 'failure',
        log: expect.stringMatching(/lies under|no path/),
      });
      expect(existsSync(at('evil'))).toBe(false);
      expect(stored()).toEqual(before);
    },
    5 * MINUTES,
  );

  it(
    'between two runs, liveness takes a mirror out that has died',
    async () => {
      await third.close();
      const jobs = await workflows.run('liveness.yml');
      expect(resultsOf(jobs), JSON.stringify(jobs, null, 1)).toEqual({ probe: 'success' });
      expect(jobs['probe']?.log).toMatch(/merge: .*3 files of probes into 3 access points/);
      const built = join(jobs['probe']?.artifacts['output'] as string, 'output');
      const after = keysIn(built);
      const changed = [...after].filter(([key, value]) => keysBefore.get(key) !== value);
      expect([after.size, changed.map(([key]) => key)]).toEqual([keysBefore.size, ['meta']]);
      // Three access points: two bits of four are set.
      expect(after.get('meta')?.split(' ')[5]).toMatch(/^[6ac]$/);
      expect(readFileSync(join(built, 'site/index.html'), 'utf8')).toContain('2 of 3 access points are up');
    },
    5 * MINUTES,
  );
});
