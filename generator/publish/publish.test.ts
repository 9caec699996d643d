import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentProgress } from '../../core/progress.ts';
import { loadBuiltFunction } from '../../edge-shim/built-function.ts';
import { buildOutput } from '../../test/built-output.ts';
import { FALLBACK, inventoryOf, mirrorsIn } from '../../test/small-build.ts';
import type { EdgeContent, EdgeTarget, GoldenEvent } from './contract.ts';
import { directoryFiles } from './origin/directory-files.ts';
import { originTarget } from './origin/origin-target.ts';
import { type PublishOptions, publish } from './publish.ts';
import { rollback } from './rollback.ts';

const NAMES = ['', 'distfiles/', ...Array.from({ length: 20 }, (_, i) => `distfiles/f${i}`)];
const HOUR_MS = 3_600_000;

/** An edge in memory that says what was asked of it, and can be told to fail. */
class Edge implements EdgeTarget {
  readonly name = 'edge';
  readonly calls: string[] = [];
  live = new Map<string, string>();
  code = '';
  invalidated: readonly string[] = [];
  golden: readonly GoldenEvent[] = [];
  fails: { readonly step: string; readonly error: Error; times: number } | null = null;

  #step(step: string, content?: EdgeContent) {
    this.calls.push(content === undefined ? step : `${step} ${content.releaseId}`);
    if (this.fails?.step === step && this.fails.times-- > 0) throw this.fails.error;
    return { calls: 1, bytes: 0, summary: step };
  }
  async plan(content: EdgeContent) {
    this.#step('plan', content);
    const counts = { keysAdded: 0, keysChanged: 0, keysRemoved: 0, keyBytes: 0, calls: 0, costUsd: 0 };
    return { ...counts, functionChanges: false, notes: [] };
  }
  async publishKeys(content: EdgeContent) {
    const work = this.#step('keys', content);
    this.live = new Map(content.keys);
    return work;
  }
  async publishFunction(content: EdgeContent, golden: readonly GoldenEvent[]) {
    const work = this.#step('function', content);
    this.code = content.functionCode;
    this.golden = golden;
    return work;
  }
  async invalidate(paths: readonly string[]) {
    const work = this.#step('invalidate');
    this.invalidated = paths;
    return work;
  }
  async sweepKeys(content: EdgeContent) {
    return this.#step('sweep', content);
  }
  async close() {}
}

let work: string;
let edge: Edge;
let nowMs: number;
let abort: AbortController;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'redirector-publish-'));
  edge = new Edge();
  nowMs = Date.now() - 100 * HOUR_MS;
  abort = new AbortController();
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const evidence = (missing: number) =>
  mirrorsIn(['DE', 'FR', 'US'], NAMES.length, (n) => ({ holds: (id) => n !== 0 || id !== missing }));

/** An hour later, with one object missing somewhere else. */
async function build(missing: number): Promise<void> {
  nowMs += HOUR_MS;
  await buildOutput(join(work, 'output'), inventoryOf(NAMES), evidence(missing), nowMs);
}

const origins = () => [originTarget('here', 'publish', directoryFiles(join(work, 'origin')))] as const;
const load = (code: string, keys: ReadonlyMap<string, string>) => loadBuiltFunction(code, keys, 'function.js');
const options = (over: Partial<PublishOptions> = {}): PublishOptions => ({
  output: join(work, 'output'),
  expiryMs: 14 * 24 * HOUR_MS,
  policy: { fallback: FALLBACK, upgrade: false },
  targets: { origins: origins(), edges: [edge] },
  thresholds: { objectsLost: 0.1, presenceLost: 0.2, candidatesLost: 0.5, unknownGained: 0.1, evidenceAgeMs: 1e9 },
  keep: 5,
  force: null,
  dryRun: false,
  load,
  loadElsewhere: () => null,
  verify: null,
  by: 'me@here',
  nowMs: () => {
    nowMs += 1000;
    return nowMs;
  },
  context: { progress: silentProgress, signal: abort.signal },
  ...over,
});
const current = () => readlinkSync(join(work, 'origin/current')).replace('releases/', '');
const log = () => JSON.parse(readFileSync(join(work, 'origin/publications.json'), 'utf8')).publications;
const keysOf = (id: string) =>
  JSON.parse(readFileSync(join(work, 'origin/releases', id, 'edge/kvs.json'), 'utf8')).data.length;

describe('a publication to an origin and an edge', () => {
  it('that sends many viewers to the fallback needlessly is refused, unless a person forces it', async () => {
    await build(2);
    const file = join(work, 'output/edge/kvs.json');
    const data = JSON.parse(readFileSync(file, 'utf8')).data as { key: string; value: string }[];
    writeFileSync(
      file,
      JSON.stringify({ data: data.map((one) => (/^\d/.test(one.key) ? { ...one, value: '' } : one)) }),
    );
    await expect(publish(options())).rejects.toThrow(/^not published: missed: \d+ replayed answers .* --force/);
    expect(edge.calls.some((call) => call.startsWith('keys'))).toBe(false);
    const { releaseId } = await publish(options({ force: 'better than what is there' }));
    const { forced } = JSON.parse(readFileSync(join(work, 'origin/current/release.json'), 'utf8'));
    expect(current()).toBe(releaseId);
    expect(forced).toEqual({
      reason: 'better than what is there',
      objections: [expect.stringMatching(/^missed: /)],
    });
    expect(log().at(-1)).toMatchObject({ reason: 'better than what is there' });
  });

  it('goes origin, keys, function, invalidation, and deletes last', async () => {
    await build(2);
    const { releaseId } = await publish(options());
    const all = ['plan', 'keys', 'function'].map((step) => `${step} ${releaseId}`);
    expect(edge.calls).toEqual([...all, 'invalidate', `sweep ${releaseId}`]);
    expect(current()).toBe(releaseId);
    expect(edge.live.size).toBe(keysOf(releaseId));
    for (const { event, expected } of edge.golden) {
      const { statusCode, headers } = await load(edge.code, edge.live)(event as never);
      expect({ statusCode, headers }).toEqual(expected);
    }
    expect(new Set(edge.golden.map(({ expected }) => expected.statusCode))).toEqual(new Set([302, 200, 400, 405]));
    expect(log()).toEqual([
      {
        releaseId,
        action: 'publish',
        atMs: expect.any(Number),
        by: 'me@here',
        targets: ['here', 'edge'],
        state: 'done',
        reason: '',
      },
    ]);
  });

  it('has exactly the changed files forgotten, those of publications that were cut among them', async () => {
    await build(2);
    const first = await publish(options());
    expect(edge.invalidated).toHaveLength(first.files);
    expect(first.changed).toBe(first.files);
    await build(2);
    const { changed } = await publish(options());
    expect(changed).toBe(edge.invalidated.length);
    expect(edge.invalidated).toContain('site/index.html');
    expect(edge.invalidated).not.toContain('site/about.html');
    // Cut after the switch: that page was seen by viewers for a while.
    writeFileSync(join(work, 'output/site/about.html'), 'for a while');
    const interrupting = new AbortController();
    edge.fails = { step: 'keys', error: new Error('cut'), times: 1 };
    const whileKeys = publish(
      options({
        context: {
          progress: { ...silentProgress, note: (line) => line.includes('is the current one') && interrupting.abort() },
          signal: interrupting.signal,
        },
      }),
    );
    await expect(whileKeys).rejects.toThrow('cut');
    expect(log().at(-1)).toMatchObject({ state: 'begun' });
    await build(2);
    edge.fails = null;
    await publish(options());
    expect(edge.invalidated).toContain('site/about.html');
    expect(log().map((one: { state: string }) => one.state)).toEqual(['done', 'done', 'begun', 'done']);
  });

  it.each(['keys', 'function', 'invalidate'])('whose %s fails is rolled back by itself', async (step) => {
    await build(2);
    const { releaseId: first } = await publish(options());
    await build(3);
    edge.calls.length = 0;
    edge.fails = { step, error: new Error('AccessDenied'), times: 1 };
    await expect(publish(options())).rejects.toThrow(`AccessDenied. Rolled back to release ${first}`);
    expect(current()).toBe(first);
    expect(edge.calls.slice(-3)).toEqual([`keys ${first}`, `function ${first}`, 'invalidate']);
    expect(log().map((one: { state: string }) => one.state)).toEqual(['done', 'withdrawn']);
    expect(log().at(-1).reason).toBe('AccessDenied');
    // What was withdrawn is no place to roll back to, and goes with the next publication.
    const { releaseId: next, removed } = await publish(options());
    expect(removed).toHaveLength(1);
    const { to } = await rollback({ ...options(), to: null, reason: '' });
    expect([to, current()]).toEqual([first, first]);
    expect(edge.calls.at(-1)).toBe(`sweep ${first}`);
    expect(next).not.toBe(first);
  });

  it('that fails while it is rolled back says what to do', async () => {
    await build(2);
    const { releaseId: first } = await publish(options());
    await build(3);
    edge.fails = { step: 'keys', error: new Error('no network'), times: 2 };
    await expect(publish(options())).rejects.toThrow(
      `no network. Rolling back to ${first} failed too (no network); run "redirector rollback"`,
    );
    edge.fails = null;
    await publish(options());
    expect(log().at(-1).state).toBe('done');
  });

  it('that can’t work is refused before anything is touched', async () => {
    await build(2);
    edge.fails = { step: 'plan', error: new Error('the credentials have expired'), times: 1 };
    await expect(publish(options())).rejects.toThrow('the credentials have expired');
    expect(() => current()).toThrow('ENOENT');
  });

  it('whose function answers otherwise in the edge’s language is refused', async () => {
    await build(2);
    const headers = { location: { value: 'https://elsewhere.example.org/' } };
    const elsewhere = { statusCode: 302, statusDescription: 'Found', headers };
    const loadElsewhere = () => async (events: readonly unknown[]) => events.map(() => elsewhere);
    await expect(publish(options({ loadElsewhere }))).rejects.toThrow(
      /^not published: \d+ of 600 answers differ on njs: "\//,
    );
    expect(edge.calls.filter((call) => !call.startsWith('plan'))).toEqual([]);
  });
});
