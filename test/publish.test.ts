import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { startLocalEdge } from '../edge-shim/local-edge.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { builtForEachTest, fleet, NAMES, type Publishing } from './publishing.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));

let here: Publishing;
builtForEachTest((built) => {
  here = built;
});

describe('publish', () => {
  it('proves what was built and makes it the current release; nothing new is nothing new', async () => {
    const first = await here.done('publish');
    expect(first).toMatchObject({ result: 'published', before: null, removed: [] });
    expect(first.replay).toMatchObject({ wrong: 0, missed: 0, objects: NAMES.length });
    expect(first.uploads).toEqual([{ target: 'published', files: first.files, bytes: expect.any(Number) }]);
    const manifest = here.wholeManifest();
    expect(manifest).toMatchObject({ id: first.releaseId, forced: null, figures: { objects: NAMES.length, up: 10 } });
    for (const path of [
      'edge/function.js',
      'edge/kvs.json',
      'maps/DE.msgpack',
      'maps/objects.msgpack',
      'site/index.html',
    ]) {
      expect(manifest.files.map((file) => file.path)).toContain(path);
    }
    expect(await here.done('publish')).toMatchObject({ result: 'unchanged', releaseId: first.releaseId });
    expect(readdirSync(here.origin).sort()).toEqual(['current', 'publications.json', 'releases']);
  });

  it('sends only what changed, keeps the last releases, and rolls back', async () => {
    here.configure('[publish]\nkeep = 2\n');
    const { releaseId: first } = await here.done('publish');
    const ids = [first];
    for (const hours of [1, 2, 3]) {
      await here.build({ inMs: hours * 60_000 });
      const next = await here.done('publish');
      expect(next.before).toBe(ids.at(-1));
      // Keys, object table, the page and the data tell their time; regions' maps stay while nothing in them changes.
      expect(next.uploads[0].files).toBe(4);
      expect(next.changed).toBe(4);
      ids.push(next.releaseId);
    }
    expect(readdirSync(join(here.origin, 'releases')).sort()).toEqual(ids.slice(-2));
    const [before, last] = ids.slice(-2) as [string, string];
    const about = (id: string) => statSync(join(here.origin, 'releases', id, 'site/about.html')).ino;
    expect(about(before)).toBe(about(last));

    expect(await here.done('rollback', '--reason', 'a try')).toMatchObject({ from: last, to: before });
    expect(here.current()).toBe(before);
    here.wholeManifest();
    const [{ releases }] = await here.done('releases');
    expect(releases.map((one: { id: string; isCurrent: boolean }) => [one.id, one.isCurrent])).toEqual([
      [last, false],
      [before, true],
    ]);
    expect(releases[1].publications.at(-1)).toMatchObject({ action: 'rollback', state: 'done', reason: 'a try' });
    expect((await here.run('rollback')).stderr).toMatch(/no release before .* to roll back to/);
    expect(await here.done('rollback', '--to', last)).toMatchObject({ from: before, to: last });
    const { code, stderr } = await here.run('rollback', '--to', 'nonsense');
    expect([code, stderr]).toEqual([2, expect.stringContaining(`there are: ${last}, ${before}`)]);
    expect(here.current()).toBe(last);
  });

  it('shows what others wrote into the log without its control characters', async () => {
    await here.done('publish');
    const file = join(here.origin, 'publications.json');
    const log = JSON.parse(readFileSync(file, 'utf8'));
    log.publications[0].by = 'eve\u001b[31m\u202e';
    log.publications[0].reason = 'a\r\nfake line';
    writeFileSync(file, JSON.stringify(log));
    const { stdout } = await here.run('releases');
    expect(stdout).toContain('by eve?[31m? to published: a??fake line\n');
    writeFileSync(file, '{');
    expect(await here.run('releases')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/publications\.json: .*; move it away: /),
    });
  });

  it('is what a local edge serves, from the moment it is switched', async () => {
    await here.done('publish');
    const edge = await startLocalEdge({
      output: join(here.origin, 'current'),
      host: '127.0.0.1',
      port: 0,
      sitePort: 0,
    });
    try {
      const ask = async () =>
        (await fetch(`${edge.url}distfiles/1/a%2B1.tar.xz?country=DE`, { redirect: 'manual' })).headers.get('location');
      expect(await ask()).toBe('http://de.example.org/gentoo/distfiles/1/a%2B1.tar.xz');
      await here.build({ evidence: fleet(NAMES.length, { down: [0] }), inMs: 1000 });
      expect(await ask()).toBe('http://de.example.org/gentoo/distfiles/1/a%2B1.tar.xz');
      await here.done('publish');
      expect(await ask()).toBe('http://fr.example.org/gentoo/distfiles/1/a%2B1.tar.xz');
      await here.done('rollback');
      expect(await ask()).toBe('http://de.example.org/gentoo/distfiles/1/a%2B1.tar.xz');
    } finally {
      await edge.close();
    }
  });

  it('is what "serve" serves, unless it is told to serve what was built', async () => {
    await here.done('publish');
    writeFileSync(join(outputLayout.site(here.output), 'about.html'), 'built, but not published');
    for (const [args, page] of [
      [[], '<title>the same for ever</title>\n'],
      [['--built'], 'built, but not published'],
    ] as const) {
      const argv = [redirector, 'serve', ...args, '--port', '0', '--site-port', '0', '--output', here.output, '--json'];
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [printed] = await once(child.stdout, 'data');
      const { site } = JSON.parse(String(printed));
      expect(await (await fetch(`${site}about.html`)).text()).toBe(page);
      child.kill('SIGINT');
      await once(child, 'exit');
    }
  });

  it('with --dry-run proves all and changes nothing', async () => {
    const plan = await here.done('publish', '--dry-run');
    expect(plan).toMatchObject({ result: 'dry run', uploads: [], steps: [] });
    expect(plan.replay.answers).toBeGreaterThan(NAMES.length);
    expect(existsSync(here.origin)).toBe(false);
  });

  it('says what is missing where nothing was built', async () => {
    rmSync(outputLayout.edgeKeys(here.output));
    const { code, stderr } = await here.run('publish', '--quiet');
    expect(code).toBe(2);
    expect(stderr).toBe(`${outputLayout.edgeKeys(here.output)}: nothing built yet; run "redirector run" first\n`);
  });
});

describe('the guards', () => {
  it('refuse a tree that lost much of what it had, unless a person forces it with a reason that is kept', async () => {
    const { releaseId: first } = await here.done('publish');
    const fewer = NAMES.slice(0, 200);
    await here.build({ names: fewer, evidence: fleet(fewer.length, { lost: 100 }), inMs: 1000 });
    const refused = await here.run('publish', '--quiet');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^not published: objects: 200 objects after 302: 34 % lost, allowed 10 %; presence: /,
    );
    expect(refused.stderr).toContain('publish with --force --reason "…"');
    expect(here.current()).toBe(first);

    expect(await here.run('publish', '--force')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--reason'),
    });
    const forced = await here.done('publish', '--force', '--reason', 'the tree was halved');
    expect(forced.before).toBe(first);
    const [{ releases }] = await here.done('releases');
    expect(releases[0].forced).toEqual({
      reason: 'the tree was halved',
      objections: [expect.stringMatching(/^objects: /), expect.stringMatching(/^presence: /)],
    });
    expect((await here.run('releases')).stdout).toContain('forced: the tree was halved');
    expect(here.wholeManifest().forced?.reason).toBe('the tree was halved');
  });

  it('refuse maps of mirrors that are all down', async () => {
    await here.done('publish');
    await here.build({ evidence: fleet(NAMES.length, { down: [0, 1, 2, 3, 4] }), inMs: 1000 });
    const { code, stderr } = await here.run('publish', '--quiet');
    expect(code).toBe(1);
    expect(stderr).toContain('candidates: no region has a candidate');
  });
});

describe('the replay', () => {
  it('stops keys that claim what nobody has seen, and --force does not help', async () => {
    const { releaseId: first } = await here.done('publish');
    const evidence = fleet();
    await here.build({ evidence, inMs: 1000 });
    const keys = readFileSync(outputLayout.edgeKeys(here.output));
    const table = readFileSync(outputLayout.objectTable(here.output));
    // What was checked since knows better: one object is gone from one mirror.
    const [one] = evidence as [Evidence];
    one.presence[7] = Outcome.absent;
    await here.build({ evidence, inMs: 1000 });
    writeFileSync(outputLayout.edgeKeys(here.output), keys);
    writeFileSync(outputLayout.objectTable(here.output), table);
    for (const args of [[], ['--force', '--reason', 'I know']]) {
      const { code, stderr } = await here.run('publish', '--quiet', ...args);
      expect(code).toBe(1);
      expect(stderr).toContain('replayed answers are wrong: /distfiles/5/a%2B5.tar.xz: ');
      expect(stderr).toContain('https://de.example.org/gentoo/ is not known to hold it');
    }
    expect(here.current()).toBe(first);
    expect(readdirSync(join(here.origin, 'releases'))).toEqual([first]);
  });
});
