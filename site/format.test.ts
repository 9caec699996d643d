import { describe, expect, it } from 'vitest';
import { age, harmless, number, percent, plural } from './format.ts';

describe('percent', () => {
  it.each([
    [0, 149_000, '0 %'],
    [1, 149_000, '< 0.01 %'],
    [57, 100, '57.00 %'],
    [148_999, 149_000, '99.99 %'],
    [999_999_999, 1_000_000_000, '99.99 %'],
    [149_000, 149_000, '100 %'],
    [0, 0, '0 %'],
  ])('shows %d of %d as %s', (part, whole, shown) => {
    expect(percent(part, whole).replaceAll('\u00a0', ' ')).toBe(shown);
  });
});

describe('age', () => {
  it.each([
    [-5, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3 * 3_600_000, '3 h'],
    [47 * 3_600_000, '1 d'],
    [1_234 * 86_400_000, '1,234 d'],
  ])('shows %d ms as %s', (elapsedMs, shown) => {
    expect(age(elapsedMs).replaceAll('\u00a0', ' ')).toBe(shown);
  });
});

describe('number and plural', () => {
  it('separate thousands and agree with the count', () => {
    expect(number(1_490_000)).toBe('1,490,000');
    expect([plural(0, 'file'), plural(1, 'file'), plural(2_000, 'directory', 'directories')]).toEqual([
      '0 files',
      '1 file',
      '2,000 directories',
    ]);
  });
});

describe('harmless', () => {
  it('marks what reorders, hides or breaks text, at any depth, and keeps every script of the world', () => {
    const kept = 'Wawrzków, 清华大学, мир, \u0627\u0644, 😀';
    expect(harmless({ a: ['x\u202ey\u2066\u0000\n\ud800', 7, null, true], b: { c: kept } })).toEqual({
      a: ['x\ufffdy\ufffd\ufffd\ufffd\ufffd', 7, null, true],
      b: { c: kept },
    });
  });
});
