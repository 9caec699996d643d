import { describe, expect, it } from 'vitest';
import { emptyObservations } from '../../core/formats/observations-file.ts';
import { type Observations, Outcome } from '../../core/observations.ts';
import { ALL_PROVEN, asCopied, type Behaviour, downBecause, type Truth } from './behaviour.ts';
import type { Checked } from './check.ts';
import { faultsOf } from './judge.ts';
import type { ZooObject, ZooTree } from './zoo-tree.ts';

const COPY: readonly Truth[] = ['present', 'absent', 'different'];
const objects = COPY.map(
  (copy, id): ZooObject => ({
    ...{ id, path: `o${id}`, name: `o${id}`, end: `o${id}`, sizeBytes: 5 },
    ...{ isDirectory: false, isLink: false, copy },
  }),
);
const zoo = { objects } as unknown as ZooTree;
const behaviour: Behaviour = {
  name: 'a server',
  protocol: 'http',
  start: () => Promise.reject(new Error('not started')),
  truth: asCopied,
  demand: ALL_PROVEN,
};

/** A check that found the truth and told it well, but for what is changed. */
function faults(change: (observations: Observations) => void, options: Partial<Checked & Behaviour> = {}): string[] {
  const observations = emptyObservations('zoo.test', 'http://zoo.test/', objects.length, 1);
  observations.outcome.set([Outcome.present, Outcome.absent, Outcome.different]);
  observations.sizeBytes.set([5, -1, 6]);
  observations.liveness = { state: 'up', sinceS: 1, checkedAtS: 1, reason: '' };
  change(observations);
  const checked: Checked = { elapsedMs: 1, hung: '', crash: '', notes: [], observations, grownBytes: 0, ...options };
  return faultsOf(zoo, { ...behaviour, ...options }, checked);
}

function fail(observations: Observations, id: number, reason: string): void {
  observations.outcome[id] = Outcome.none;
  observations.failedAtS[id] = 1;
  observations.failures[0] = reason;
}

describe('a check is found fault with', () => {
  it('not where it found the truth', () => expect(faults(() => {})).toEqual([]));

  it.each([
    ['a false present', 1, Outcome.present, 'recorded present, in truth absent'],
    ['a false absent', 0, Outcome.absent, 'recorded absent, in truth present'],
    ['a false different', 0, Outcome.different, 'recorded different, in truth present'],
    ['an object that was left out', 2, Outcome.none, 'recorded nothing, in truth different'],
  ])('%s', (_, id, outcome, fault) => {
    const change = (observations: Observations) => {
      observations.outcome[id] = outcome;
      observations.sizeBytes[id] = 5;
    };
    expect(faults(change)).toEqual([`1 objects ${fault}: o${id}`]);
  });

  it('a present of another size', () => {
    expect(faults((observations) => observations.sizeBytes.set([4]))).toEqual([
      '1 objects recorded present, in truth present: o0',
    ]);
  });

  it('evidence where there can be none, but not a failure', () => {
    expect(faults(() => {}, { truth: () => 'unproven' })).toHaveLength(3);
    const allFail = (observations: Observations) => {
      for (const { id } of objects) fail(observations, id, 'broken');
      observations.liveness = { state: 'down', sinceS: 1, checkedAtS: 1, reason: 'broken' };
    };
    expect(faults(allFail, { truth: () => 'unproven', demand: downBecause(/^broken$/) })).toEqual([]);
    expect(faults(allFail, { truth: () => 'unproven', demand: downBecause(/^other$/) })).toHaveLength(2);
  });

  it('a failure where proof is demanded', () => {
    expect(faults((observations) => fail(observations, 1, 'timeout'))).toEqual([
      '1 objects absent in truth, but not proven: timeout: o1',
    ]);
  });

  it('another state, a reason that is not safe to show, a formula, a text without end', () => {
    const demand = { state: 'any', proven: () => false } as const;
    expect(faults(() => {}, { demand: { ...demand, state: 'down' } })).toEqual(['it is up (), not down']);
    for (const text of ['\x1b[31m', 'a\nb', '\u202e', '=1+1', 'x'.repeat(401)])
      expect(
        faults((observations) => fail(observations, 0, text), { demand }),
        text,
      ).toHaveLength(1);
  });

  it('a hang, a crash, memory, no file', () => {
    expect(faults(() => {}, { hung: 'for ever', crash: 'Error', grownBytes: 2 ** 30 })).toHaveLength(3);
    expect(faults(() => {}, { observations: null })).toEqual(['it wrote nothing']);
  });
});
