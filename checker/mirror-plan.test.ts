import { describe, expect, test } from 'vitest';
import type { Method } from './methods/contract.ts';
import { isListingCheaper, type MirrorPlan, planMirror, type ScheduledPoint } from './mirror-plan.ts';
import { PHASES, type PhaseName } from './schedule.ts';

const IN_TREE = Int32Array.from({ length: 100 }, (_, id) => id);
const upTo = (count: number) => IN_TREE.slice(0, count);

function point(id: string, scope: Method['scope'], due: Partial<Record<PhaseName, Int32Array>>): ScheduledPoint {
  const accessPoint = { id, mirrorId: 'm', protocol: 'http', url: 'http://m/', ipv4: true, ipv6: true, partial: false };
  const phases = PHASES.map((name) => ({ name, objectIds: due[name] ?? new Int32Array(0) }));
  return { accessPoint, scope, schedule: { phases } } as ScheduledPoint;
}

/** `phase access-point objects [listed]`, in order. */
function lines(plan: MirrorPlan): string[] {
  return [...plan].flatMap(([phase, works]) =>
    [...works].map(
      ([id, { objectIds, byListing }]) => `${phase} ${id} ${objectIds.length}${byListing ? ' listed' : ''}`,
    ),
  );
}

describe('a mirror’s plan', () => {
  test('asks for few objects one by one, phase by phase, even where there is a listing', () => {
    const http = point('http', 'object', { new: upTo(3), failed: upTo(2), rolling: upTo(9), removed: upTo(1) });
    const rsync = point('rsync', 'tree', {});
    expect(lines(planMirror([rsync, http], IN_TREE))).toEqual([
      'new http 3',
      'failed http 2',
      'rolling http 9',
      'removed http 1',
    ]);
  });

  test('lists where much is due, in the first phase of it, and asks for the rest singly', () => {
    const http = point('http', 'object', {
      expired: upTo(20),
      failed: IN_TREE.slice(20, 30),
      rolling: IN_TREE.slice(60),
    });
    const https = point('https', 'object', { new: upTo(1) });
    const rsync = point('rsync', 'tree', {});
    expect(lines(planMirror([rsync, http, https], IN_TREE))).toEqual([
      'new https 1',
      'expired rsync 100 listed',
      'expired http 30 listed',
      'rolling http 40',
    ]);
  });

  test('never proves a rolling object by sample, however many there are', () => {
    const http = point('http', 'object', { rolling: IN_TREE });
    expect(lines(planMirror([point('rsync', 'tree', {}), http], IN_TREE))).toEqual(['rolling http 100']);
  });

  test('lists the whole tree once, whatever little of it is due there, removed objects with it', () => {
    const removed = Int32Array.of(100, 103);
    const rsync = point('rsync', 'tree', { new: upTo(1), rolling: upTo(50), removed });
    const plan = planMirror([rsync], IN_TREE);
    expect(lines(plan)).toEqual(['new rsync 102 listed']);
    expect([...(plan.get('new')?.get('rsync')?.objectIds ?? [])]).toEqual([...IN_TREE, 100, 103]);
  });

  test('lists only the directories of what is due, where each costs a request', () => {
    const ftp = point('ftp', 'directory', { new: upTo(1), failed: Int32Array.of(7), removed: Int32Array.of(103) });
    const plan = planMirror([ftp], IN_TREE);
    expect(lines(plan)).toEqual(['new ftp 3 listed']);
    expect([...(plan.get('new')?.get('ftp')?.objectIds ?? [])]).toEqual([0, 7, 103]);
  });

  test('has directories listed for others by one access point, together with what is due there', () => {
    const ftp = (id: string, due: number) => point(id, 'directory', { new: upTo(due) });
    const http = point('http', 'object', { new: IN_TREE.slice(60) });
    expect(lines(planMirror([ftp('ftp', 1), ftp('other', 1), http], IN_TREE))).toEqual([
      'new ftp 41 listed',
      'new other 1',
      'new http 40 listed',
    ]);
    expect(lines(planMirror([ftp('ftp', 0), http], IN_TREE))).toEqual(['new ftp 40 listed', 'new http 40 listed']);
  });

  test('has a whole tree speak for others rather than directories', () => {
    const points = [
      point('rsync', 'tree', {}),
      point('ftp', 'directory', { new: upTo(1) }),
      point('http', 'object', { new: IN_TREE }),
    ];
    expect(lines(planMirror(points, IN_TREE))).toEqual(['new rsync 100 listed', 'new ftp 1', 'new http 100 listed']);
  });

  test('without a listing asks for everything, phase by phase', () => {
    const http = point('http', 'object', { new: upTo(60), expired: IN_TREE.slice(60) });
    expect(lines(planMirror([http], IN_TREE))).toEqual(['new http 60', 'expired http 40']);
  });

  test('reads index pages where there is no other listing and enough is due', () => {
    const inTree = Int32Array.from({ length: 2000 }, (_, id) => id);
    const plan = (due: number) =>
      lines(planMirror([point('http', 'object', { new: inTree.slice(0, due), rolling: inTree.slice(due) })], inTree));
    expect(plan(1000)).toEqual(['new http 1000 listed', 'rolling http 1000']);
    expect(plan(999)).toEqual(['new http 999', 'rolling http 1001']);
  });

  test('with nothing due is empty', () => {
    expect(lines(planMirror([point('rsync', 'tree', {}), point('http', 'object', {})], IN_TREE))).toEqual([]);
  });
});

test.each([
  [0, 0, false],
  [0, 100, false],
  [24, 100, false],
  [25, 100, true],
  [100, 100, true],
])('of %i objects due in a tree of %i a listing is cheaper: %s', (due, inTree, expected) => {
  expect(isListingCheaper(due, inTree)).toBe(expected);
});
