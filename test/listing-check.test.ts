import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpHead } from '../checker/methods/http-head.ts';
import { Acquaintance } from '../checker/net/acquaintance.ts';
import { HostBudgets } from '../checker/net/host-budget.ts';
import { runCheck } from '../checker/run.ts';
import { decodeObservations } from '../core/formats/observations-file.ts';
import { isDirectoryLike, type LoadedInventory } from '../core/inventory.ts';
import type { AccessPoint, Mirror } from '../core/mirror.ts';
import { type MethodName, Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { silentProgress } from '../core/progress.ts';
import { plantTree } from '../demo/tree.ts';
import { takeInventory } from '../generator/inventory/take-inventory.ts';
import { requires } from './debian-packages.ts';
import { INDEX_SERVERS, type IndexServer } from './servers/index-servers.ts';
import { makeSubsets, type TreeObject } from './subset.ts';

const OBJECTS = 5000;
const EXACT = ['nginx-exact', 'fancyindex-exact', 'caddy'];
const TIMEOUT_MS = 5000;
const signal = new AbortController().signal;
const shared = { userAgent: 'redirector-test/1', timeoutMs: TIMEOUT_MS, signal };

let work: string;
/** Folders of mirrors that lack some, and of one that besides has some cut short. */
let lacking: string;
let cutShort: string;
let inventory: LoadedInventory;
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'redirector-listing-check-'));
  // Some servers read it as another user.
  chmodSync(work, 0o755);
  const tree = plantTree(join(work, 'tree'), { objects: OBJECTS, seed: 11 }).folder;
  // In every part of the tree: single files, and a whole directory.
  const isMissing = ({ path }: TreeObject) => path.startsWith('snapshots/') || path.length % 17 === 0;
  const otherSizeBytes = ({ path, sizeBytes }: TreeObject) =>
    path.length % 23 === 0 && sizeBytes > 10_000 ? Math.floor(sizeBytes / 3) : null;
  const { subsets } = await makeSubsets(tree, join(work, 'mirrors'), [
    { name: 'lacking', isMissing },
    { name: 'cut-short', isMissing, otherSizeBytes },
  ]);
  [lacking, cutShort] = subsets.map(({ folder }) => folder) as [string, string];
  const source = { from: tree, prefix: '' };
  const options = { sources: [source], previous: null, nowMs: Date.now(), progress: silentProgress, force: false };
  inventory = (await takeInventory({ ...options, timeoutMs: TIMEOUT_MS, signal })).inventory;
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function accessPointOf(url: string): AccessPoint {
  return { id: 'm.http', mirrorId: 'm', protocol: 'http', url, ipv4: true, ipv6: false, partial: false };
}

/** What HEAD of every object finds: its outcome, and what it cost. */
async function askedSingly(url: string) {
  const outcomes = new Uint8Array(inventory.paths.length);
  const failures = new Map<number, string>();
  const { requests, ended } = await httpHead.check({
    ...shared,
    hosts: new HostBudgets(),
    acquaintance: new Acquaintance(),
    accessPoint: accessPointOf(url),
    inventory,
    objectIdOf: () => undefined,
    checkpointMs: 30_000,
    graceSignal: signal,
    objectIds: Int32Array.from(inventory.paths, (_, id) => id),
    sink: {
      record: (id, outcome) => {
        outcomes[id] = outcome;
      },
      hint: () => {},
      fail: (id, reason) => failures.set(id, reason),
      withdraw: () => void outcomes.fill(Outcome.none),
      confirm: () => {},
      dismiss: () => void outcomes.fill(Outcome.none),
    },
  });
  expect(ended).toBe('whole');
  return { outcomes, requests, failures };
}

async function checked(url: string, name: string) {
  const output = join(work, name);
  const mirror: Mirror = {
    id: 'm',
    name: 'm',
    places: [{ country: 'DE', latitude: 0, longitude: 0 }],
    weight: 1,
    drained: false,
    accessPoints: [accessPointOf(url)],
  };
  const mirrors = { version: 1 as const, takenAtMs: 0, mirrors: [mirror], notes: [] };
  const summary = await runCheck({
    ...shared,
    output,
    inventory,
    mirrors,
    ...{ chosen: { mirrorIds: [], treePrefix: '' }, only: 'all' as const, vantage: '' },
    ...{ periodMs: 7 * 86_400_000, expiryMs: 14 * 86_400_000, budgetMs: null, checkpointMs: 30_000 },
    nowMs: Date.now,
    progress: silentProgress,
  });
  const file = outputLayout.observations(output, 'm.http');
  return { summary, observations: decodeObservations(readFileSync(file), inventory.paths.length, file) };
}

async function expectTruth(server: string, folder: string) {
  const running = await (INDEX_SERVERS[server] as IndexServer).start(folder);
  try {
    const truth = await askedSingly(running.url);
    const { summary, observations } = await checked(running.url, `${server}-${basename(folder)}`);
    const differing = inventory.paths.flatMap((path, id) => {
      const [listed, asked] = [observations.outcome[id], truth.outcomes[id]];
      const failure = truth.failures.get(id);
      // lighttpd lists only so many directories at once.
      const isTooMany = failure === 'answers 503 (service unavailable)' && isDirectoryLike(inventory, id);
      return listed === asked || isTooMany ? [] : [`${path}: ${listed}, by HEAD ${asked} ${failure ?? ''}`];
    });
    expect(differing).toEqual([]);
    expect(summary.accessPoints[0]).toMatchObject({ state: 'up' });
    expect(summary.totals.failed).toBeLessThan(OBJECTS / 100);
    const found = (outcome: number) => truth.outcomes.filter((one) => one === outcome).length;
    const by = (name: MethodName) => observations.method.filter((one) => observations.methods[one] === name).length;
    return { by, found, requests: summary.totals.requests, ofHead: truth.requests };
  } finally {
    await running.close();
  }
}

describe('of a mirror of 5,000 objects without rsync its index pages prove just what HEAD of each does', () => {
  const isExact = (server: string) => EXACT.includes(server);
  for (const [server, { programs }] of Object.entries(INDEX_SERVERS)) {
    requires(...programs)(server, () => {
      test('where some are missing, with far fewer requests', { timeout: 60_000 }, async () => {
        const { by, found, requests, ofHead } = await expectTruth(server, lacking);
        expect(found(Outcome.absent)).toBeGreaterThan(100);
        // Where hints need more samples, a tree of this size gains less; lighttpd refuses some of the hostile names, so
        // that samples with one of them agree with nothing.
        if (server !== 'lighttpd') expect(requests).toBeLessThan(ofHead * (isExact(server) ? 0.25 : 0.75));
        // Without exact sizes a listing alone proves directories and absence.
        const name = isExact(server) ? 'http-listing' : 'http-listing+sample';
        if (server !== 'lighttpd') expect(by(name)).toBeGreaterThan(OBJECTS / 5);
      });

      // The others need ten times as long for each HEAD.
      if (server !== 'python' && server !== 'caddy') {
        test('where some are cut short', { timeout: 60_000 }, async () => {
          const { found } = await expectTruth(server, cutShort);
          expect(found(Outcome.different)).toBeGreaterThan(50);
        });
      }
    });
  }
});
