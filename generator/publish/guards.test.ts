import { describe, expect, it } from 'vitest';
import type { ReleaseFigures } from './contract.ts';
import { guard, guardMissed, type Thresholds } from './guards.ts';

const DAY_MS = 86_400_000;
const allowed: Thresholds = {
  objectsLost: 0.1,
  presenceLost: 0.2,
  candidatesLost: 0.5,
  unknownGained: 0.1,
  evidenceAgeMs: 7 * DAY_MS,
};
const before: ReleaseFigures = {
  objects: 150_000,
  accessPoints: 300,
  up: 290,
  presentShare: 0.9,
  unknownShare: 0.02,
  heldShare: 1,
  evidenceAgeMs: 3 * DAY_MS,
  candidates: { DE: 12, FR: 12, '--': 12 },
};

const objecting = (now: ReleaseFigures, then: ReleaseFigures | null = before) =>
  guard(now, then, allowed).filter(({ ok }) => !ok);

describe('the guards', () => {
  it('let pass what hardly changed, and a first publication of use', () => {
    expect(objecting(before)).toEqual([]);
    expect(objecting({ ...before, objects: 140_000, presentShare: 0.8, unknownShare: 0.1 })).toEqual([]);
    expect(objecting({ ...before, unknownShare: 0.9, presentShare: 0.01 }, null)).toEqual([]);
  });

  it.each<[string, Partial<ReleaseFigures>, string]>([
    ['objects', { objects: 134_999 }, '134,999 objects after 150,000: 10 % lost, allowed 10 %'],
    ['objects', { objects: 0 }, 'the inventory has no object, 150,000 before: nothing could be redirected'],
    [
      'presence',
      { presentShare: 0.7 },
      '70 % of all cells are present after 90 %, 100 % of the objects are held by somebody who is up after 100 %: 22 % lost, allowed 20 %',
    ],
    [
      'presence',
      { heldShare: 0.79 },
      '90 % of all cells are present after 90 %, 79 % of the objects are held by somebody who is up after 100 %: 21 % lost, allowed 20 %',
    ],
    [
      'presence',
      { heldShare: 0 },
      '90 % of all cells are present after 90 %, but no mirror that holds anything is up: nothing could be redirected',
    ],
    [
      'presence',
      { heldShare: 0, presentShare: 0 },
      'no mirror is known to hold any object, after 90 % of all cells: nothing could be redirected',
    ],
    [
      'candidates',
      { candidates: { DE: 12, FR: 5 } },
      '2 regions lost more than 50 % of their candidates (FR 5 after 12, -- 0 after 12), allowed 0',
    ],
    ['candidates', { candidates: {} }, 'no region has a candidate (DE 0 after 12, FR 0 after 12, -- 0 after 12)'],
    ['evidence age', { evidenceAgeMs: 8 * DAY_MS }, 'half of the evidence is older than 8.0 days, allowed 7.0 days'],
    ['evidence age', { evidenceAgeMs: null }, 'there is no evidence of presence'],
    [
      'unknown share',
      { unknownShare: 0.13 },
      'of 13 % of all cells nothing is known after 2.0 %: 11 % more, allowed 10 %',
    ],
  ])('%s: %j', (name, change, sentence) => {
    expect(objecting({ ...before, ...change })).toEqual([{ guard: name, ok: false, sentence }]);
  });

  it('refuse a first publication that is of no use', () => {
    const nothing = { ...before, objects: 0, heldShare: 0, evidenceAgeMs: null, candidates: { DE: 0 } };
    expect(objecting(nothing, null).map(({ guard, sentence }) => `${guard}: ${sentence}`)).toEqual([
      'objects: the inventory has no object: nothing could be redirected',
      'presence: 90 % of all cells are present, but no mirror that holds anything is up: nothing could be redirected',
      'candidates: no region has a candidate',
      'evidence age: there is no evidence of presence',
    ]);
    const unseen = { ...before, heldShare: 0, presentShare: 0 };
    expect(objecting(unseen, null).map(({ sentence }) => sentence)).toEqual([
      'no mirror is known to hold any object: nothing could be redirected',
    ]);
  });

  it('refuse to send many viewers to the fallback needlessly', () => {
    expect(guardMissed({ missed: 20, objects: 1000 }).ok).toBe(true);
    expect(guardMissed({ missed: 21, objects: 1000 })).toEqual({
      guard: 'missed',
      ok: false,
      sentence: '21 replayed answers (1.1 %) are the fallback though a mirror holds the object, allowed 1.0 %',
    });
    expect(guardMissed({ missed: 0, objects: 0 }).ok).toBe(true);
  });
});
