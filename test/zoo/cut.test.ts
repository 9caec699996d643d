import PQueue from 'p-queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isCi, isPresent, reasonToSkip } from '../debian-packages.ts';
import type { Behaviour } from './behaviour.ts';
import { BEHAVIOURS } from './behaviours/index.ts';
import { statesLeft } from './check.ts';
import { falseEvidence } from './judge.ts';
import { plantZooTree, type ZooTree } from './zoo-tree.ts';

const AT_ONCE = 6;
const MINUTES = 60_000;
/** A check of a server that is quick takes half a second to a second. */
const BUDGETS_MS = [150, 300, 600];
const CHECKPOINT_MS = 50;

/**
 * Those that answer as if they had what they do not have, or the other way round. `REDIRECTOR_ZOO=nginx` runs the
 * behaviours over http with that in their name instead, and `REDIRECTOR_ZOO=http` all of them: minutes.
 */
const ONLY = process.env['REDIRECTOR_ZOO'];
const LIARS =
  /HEAD|GET|200 to|swaps|status 200|login|decodes|message of the day|names that are not there|off by one|of the root/;

describe('a check of the zoo that is cut leaves nothing behind that is not true', () => {
  let zoo: ZooTree;
  const chosen = BEHAVIOURS.filter(
    ({ protocol, name, programs = [], isGreedy }) =>
      (ONLY === undefined ? LIARS.test(name) : `${protocol}: ${name}`.includes(ONLY)) &&
      protocol === 'http' &&
      isGreedy !== true &&
      reasonToSkip(programs, { isCi: isCi(), has: isPresent }) === null,
  );
  const queue = new PQueue({ concurrency: AT_ONCE });
  const results = new Map<string, Promise<Left>>();

  beforeAll(async () => {
    zoo = await plantZooTree();
    for (const behaviour of chosen) {
      const result = queue.add(() => visit(zoo, behaviour)) as Promise<Left>;
      result.catch(() => {});
      results.set(behaviour.name, result);
    }
  });
  afterAll(async () => {
    await queue.onIdle();
    zoo.close();
  });

  it.each(chosen)('$name', { timeout: 10 * MINUTES }, async ({ name }) => {
    expect((await results.get(name))?.faults).toEqual([]);
  });

  it('and leaves something, again and again', { timeout: 10 * MINUTES }, async () => {
    const left = await Promise.all(results.values());
    expect(left.reduce((sum, { states }) => sum + states, 0)).toBeGreaterThan(chosen.length * (BUDGETS_MS.length + 2));
  });
});

interface Left {
  readonly faults: readonly string[];
  readonly states: number;
}

/** Each cut has a server of its own, which begins from the beginning. */
async function visit(zoo: ZooTree, behaviour: Behaviour): Promise<Left> {
  const cuts = [
    { budgetMs: null, checkpointMs: CHECKPOINT_MS },
    ...BUDGETS_MS.map((budgetMs) => ({ budgetMs, checkpointMs: MINUTES })),
  ];
  const faults: string[] = [];
  let states = 0;
  for (const cut of cuts) {
    const started = await behaviour.start(zoo);
    try {
      const left = await statesLeft(zoo, behaviour, started, cut);
      states += left.length;
      const how = cut.budgetMs === null ? 'killed after a checkpoint' : `with a budget of ${cut.budgetMs} ms`;
      for (const state of left) faults.push(...falseEvidence(zoo, behaviour, state).map((fault) => `${how}: ${fault}`));
    } finally {
      await started.close();
    }
  }
  return { faults: [...new Set(faults)], states };
}
