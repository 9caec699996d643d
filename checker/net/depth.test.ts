import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DepthEvent, type DepthState, nextDepth, SLOW_MS, startDepth, TOO_SLOW_MS } from './depth.ts';

const round = (latencyMs: number): DepthEvent => ({ type: 'round', latencyMs });
const following = (state: DepthState, ...events: readonly DepthEvent[]) => events.reduce(nextDepth, state);
const rounds = (count: number, latencyMs = 10) => Array.from({ length: count }, () => round(latencyMs));

describe('depth', () => {
  const at64 = following(startDepth(4, 256), ...rounds(4));
  const rows: [what: string, from: DepthState, events: readonly DepthEvent[], depth: number][] = [
    ['begins modestly', startDepth(4, 256), [], 4],
    ['never begins above the most', startDepth(4, 1), [], 1],
    ['doubles with each round', startDepth(4, 256), rounds(3), 32],
    ['ends at the most', startDepth(4, 256), rounds(20), 256],
    ['waits where answers become slow', at64, [round(10 + SLOW_MS + 1)], 64],
    ['shrinks where they become very slow', at64, [round(10 + TOO_SLOW_MS + 1)], 48],
    ['a distant host is not a slow one', startDepth(4, 256), rounds(3, 900), 32],
    ['halves after a reset', at64, [{ type: 'cut', answers: 0 }], 32],
    ['halves where a connection is cut after few answers', at64, [{ type: 'cut', answers: 100 }], 32],
    ['stays where a connection is cut after many', at64, [{ type: 'cut', answers: 1000 }], 64],
    ['halves after a silence', at64, [{ type: 'timeout' }], 32],
    ['regrows carefully from where it fell to', at64, [{ type: 'timeout' }, ...rounds(1)], 36],
    ['begins anew at 1 after 429', at64, [{ type: 'refused' }], 1],
    ['doubles after 429 up to half of what it was', at64, [{ type: 'refused' }, ...rounds(5)], 32],
    ['then grows by an eighth', at64, [{ type: 'refused' }, ...rounds(6)], 36],
    ['is 1 for good after a mismatch', at64, [{ type: 'mismatch' }, ...rounds(20)], 1],
  ];
  test.each(rows)('%s', (_, from, events, depth) => {
    expect(following(from, ...events).depth).toBe(depth);
  });
});

describe('whatever a host does', () => {
  const event: fc.Arbitrary<DepthEvent> = fc.oneof(
    fc.double({ min: 0, max: 100_000, noNaN: true }).map(round),
    fc.nat(2000).map((answers) => ({ type: 'cut', answers }) as const),
    fc.constantFrom({ type: 'timeout' } as const, { type: 'refused' } as const, { type: 'mismatch' } as const),
  );
  const first = fc.integer({ min: 1, max: 300 });

  test('depth is a whole number from 1 to the most, at most doubles, and only good rounds raise it', () => {
    fc.assert(
      fc.property(first, first, fc.array(event, { maxLength: 60 }), (from, most, events) => {
        let state = startDepth(from, most);
        for (const one of events) {
          const next = nextDepth(state, one);
          expect(Number.isInteger(next.depth)).toBe(true);
          expect(next.depth).toBeGreaterThanOrEqual(1);
          expect(next.depth).toBeLessThanOrEqual(next.most);
          expect(next.depth).toBeLessThanOrEqual(one.type === 'round' ? 2 * state.depth : state.depth);
          state = next;
        }
      }),
    );
  });

  test('good rounds bring it back to the most, but after a mismatch', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const state = following(startDepth(4, 256), ...events, ...rounds(200, 0));
        expect(state.depth).toBe(events.some(({ type }) => type === 'mismatch') ? 1 : 256);
      }),
    );
  });
});
