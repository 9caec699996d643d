import PQueue from 'p-queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isCi, isPresent, reasonToSkip } from '../debian-packages.ts';
import type { Behaviour } from './behaviour.ts';
import { BEHAVIOURS } from './behaviours/index.ts';
import { checkBehaviour } from './check.ts';
import { faultsOf } from './judge.ts';
import { plantZooTree, type ZooTree } from './zoo-tree.ts';

const AT_ONCE = 8;
const SOCKETS_GONE_WITHIN_MS = 3000;
const MINUTES = 60_000;

/** `REDIRECTOR_ZOO=rsync` runs the behaviours with that in their protocol or name. */
const ONLY = process.env['REDIRECTOR_ZOO'] ?? '';

describe('the zoo', () => {
  it('has at least forty behaviours, each with a name of its own', () => {
    const names = BEHAVIOURS.map(({ name }) => name);
    expect(names.length).toBeGreaterThanOrEqual(40);
    expect(new Set(names).size).toBe(names.length);
  });

  let zoo: ZooTree;
  const chosen = BEHAVIOURS.filter(({ protocol, name }) => `${protocol}: ${name}`.includes(ONLY)).map((behaviour) => ({
    behaviour,
    skip: reasonToSkip(behaviour.programs ?? [], { isCi: isCi(), has: isPresent }),
  }));
  const results = new Map<string, Promise<string[]>>();
  const queue = new PQueue({ concurrency: AT_ONCE });
  const kindsBefore = resourceKinds();

  beforeAll(async () => {
    zoo = await plantZooTree();
    // The longest first, so that none is left over at the end.
    const byLength = chosen.toSorted((a, b) => deadlineOf(b.behaviour) - deadlineOf(a.behaviour));
    for (const { behaviour, skip } of byLength) {
      if (skip !== null) continue;
      const result = queue.add(() => visit(zoo, behaviour)) as Promise<string[]>;
      result.catch(() => {});
      results.set(behaviour.name, result);
    }
  });
  afterAll(async () => {
    await queue.onIdle();
    zoo.close();
  });

  for (const { behaviour, skip } of chosen) {
    const { protocol, name } = behaviour;
    if (skip !== null) console.warn(`skipped: ${name}: ${skip}`);
    it.skipIf(skip !== null)(`${protocol}: ${name}`, { timeout: 10 * MINUTES }, async () => {
      expect(await results.get(name)).toEqual([]);
    });
  }

  it('leaves no socket and no process behind', async () => {
    await queue.onIdle();
    await expect.poll(resourceKinds, { timeout: SOCKETS_GONE_WITHIN_MS }).toEqual(kindsBefore);
  });
});

/** Starts the server, checks it, and tells what is wrong. */
async function visit(zoo: ZooTree, behaviour: Behaviour): Promise<string[]> {
  const started = await behaviour.start(zoo);
  try {
    const checked = await checkBehaviour(zoo, behaviour, started);
    const faults = faultsOf(zoo, behaviour, checked);
    const open = await leftOpen(started.open ?? (() => 0));
    if (open > 0) faults.push(`${open} connections are still open`);
    return [...faults, ...(started.complaints?.() ?? [])];
  } finally {
    await started.close();
  }
}

/** A server hears of a closed connection a little later. */
async function leftOpen(count: () => number): Promise<number> {
  const lastMs = performance.now() + SOCKETS_GONE_WITHIN_MS;
  while (count() > 0 && performance.now() < lastMs) await new Promise((resolve) => setTimeout(resolve, 20));
  return count();
}

/** What keeps this process from ending, but for timers. */
function resourceKinds(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /TCP|Process|Pipe/.test(kind))
    .sort();
}

function deadlineOf({ deadlineMs = 0 }: Behaviour): number {
  return deadlineMs;
}
