import { describe, expect, it, test } from 'vitest';
import { decodeLiveness, encodeLiveness } from './formats/liveness-file.ts';
import { foldLiveness, MAX_HISTORY, nextLiveness, PROBE_HOLDS_S, type ProbeRecord, withChange } from './liveness.ts';
import type { Liveness } from './observations.ts';

const OK = { ok: true, reason: '' };
const BAD = { ok: false, reason: 'connection refused' };
const at = (state: Liveness['state'], sinceS: number, checkedAtS: number, reason = state === 'up' ? '' : 'why') => {
  return { state, sinceS, checkedAtS, reason };
};

describe('the state after one more try', () => {
  const rows: [name: string, before: Liveness | null, verdict: typeof OK, state: string, sinceS: number][] = [
    ['nothing known, clean', null, OK, 'up', 100],
    ['nothing known, failed', null, BAD, 'failing', 100],
    ['up, clean', at('up', 5, 90), OK, 'up', 5],
    ['up, failed', at('up', 5, 90), BAD, 'failing', 100],
    ['failing, failed again', at('failing', 5, 90), BAD, 'down', 100],
    ['failing, clean', at('failing', 5, 90), OK, 'up', 100],
    ['down, failed', at('down', 5, 90), BAD, 'down', 5],
    ['down, clean', at('down', 5, 90), OK, 'up', 100],
  ];
  test.each(rows)('%s', (_, before, verdict, state, sinceS) => {
    expect(nextLiveness(before, verdict, 100)).toEqual({ state, sinceS, checkedAtS: 100, reason: verdict.reason });
  });
});

describe('what a check and a probe say together', () => {
  it('is the check’s word where nothing was probed, and the probe’s where nothing was checked', () => {
    const check = at('up', 10, 20);
    expect(foldLiveness(check, null)).toBe(check);
    expect(foldLiveness(check, at('failing', 30, 0))).toBe(check);
    const probe = at('down', 30, 40);
    expect(foldLiveness(at('failing', 30, 0), probe)).toBe(probe);
  });

  it('is the newer word', () => {
    const down = at('down', 50, 60);
    expect(foldLiveness(at('up', 10, 20), down)).toBe(down);
    expect(foldLiveness(down, at('up', 10, 20))).toBe(down);
    const up = at('up', 70, 70);
    expect(foldLiveness(down, up)).toBe(up);
    expect(foldLiveness(at('failing', 65, 65), down)).toEqual(at('failing', 65, 65));
  });

  it('stays down by a probe though a check goes well, until a clean probe or none for long', () => {
    const down = at('down', 50, 60);
    expect(foldLiveness(at('up', 10, 60 + PROBE_HOLDS_S), down)).toBe(down);
    const later = at('up', 10, 61 + PROBE_HOLDS_S);
    expect(foldLiveness(later, down)).toBe(later);
    expect(foldLiveness(at('up', 10, 100), at('up', 120, 120)).state).toBe('up');
  });

  it('stays as a check found it, where a probe does not look for that, until a check clears it', () => {
    const held = { ...at('down', 50, 60, 'HEAD and GET disagree'), holds: true } as const;
    expect(foldLiveness(held, at('up', 10, 70))).toBe(held);
    expect(foldLiveness(held, at('up', 10, 60 + 30 * 86_400))).toBe(held);
    const worse = at('down', 65, 70, 'connection refused');
    expect(foldLiveness(held, worse)).toBe(worse);
    expect(foldLiveness(held, at('down', 40, 50))).toBe(held);
    expect(foldLiveness(at('up', 80, 80), at('up', 10, 70)).state).toBe('up');
  });

  it('is up since both are, and was looked at when the later one was', () => {
    expect(foldLiveness(at('up', 10, 90), at('up', 70, 80))).toEqual(at('up', 70, 90));
  });
});

describe('the history', () => {
  it('has an entry for each change of state, and the last ones only', () => {
    let history = withChange([], null, at('up', 1, 1));
    expect(history).toEqual([{ state: 'up', atS: 1, reason: '' }]);
    expect(withChange(history, at('up', 1, 1), at('up', 1, 2))).toBe(history);
    for (let i = 2; i < 200; i++) {
      const [before, after] = i % 2 === 0 ? (['up', 'down'] as const) : (['down', 'up'] as const);
      history = withChange(history, at(before, i - 1, i - 1), at(after, i, i));
    }
    expect(history).toHaveLength(MAX_HISTORY);
    expect(history.at(-1)).toEqual({ state: 'up', atS: 199, reason: '' });
  });
});

describe('the file of it', () => {
  const record: ProbeRecord = {
    accessPointId: 'm.http',
    url: 'http://m.example/',
    liveness: at('down', 1, 2),
    ipv4Up: false,
    ipv6Up: null,
    finalHost: '',
    stampLagS: null,
    certificateValidToS: 5,
    warnings: ['stamp lies 5 h in the future'],
    knownObjects: [{ path: 'a', sizeBytes: 1 }],
    cost: { startedAtS: 1, elapsedMs: 2, requests: 3, connections: 4 },
    history: [{ state: 'down', atS: 1, reason: 'why' }],
  };
  const file = { version: 1, probedAtMs: 7, accessPoints: [record] } as const;

  it('is read as it was written', () => {
    expect(decodeLiveness(encodeLiveness(file), 'f')).toEqual(file);
  });

  test.each([
    ['torn', encodeLiveness(file).slice(0, 90)],
    ['of another version', '{"version":2,"accessPoints":[]}'],
    ['without access points', '{"version":1}'],
    ['with an empty record', '{"version":1,"accessPoints":[null]}'],
    ['with a state nobody knows', encodeLiveness(file).replace('"down"', '"sideways"')],
    ['null', 'null'],
  ])('is refused when %s', (_, text) => {
    expect(() => decodeLiveness(text, 'liveness.json')).toThrow(/liveness\.json: .*"redirector probe"/);
  });
});
