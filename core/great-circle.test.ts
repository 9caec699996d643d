import { describe, expect, it } from 'vitest';
import { greatCircleKm } from './great-circle.ts';

describe('greatCircleKm', () => {
  it.each([
    ['Berlin to Paris', [52.52, 13.405], [48.8566, 2.3522], 877],
    ['across the antimeridian', [-17.8, 179], [-17.8, -179], 212],
    ['pole to pole', [90, 0], [-90, 77], 20_015],
    ['nowhere', [10, 20], [10, 20], 0],
    ['antipodes', [0, 0], [0, 180], 20_015],
  ] as const)('%s', (_, [latA, lonA], [latB, lonB], km) => {
    expect(Math.round(greatCircleKm({ latitude: latA, longitude: lonA }, { latitude: latB, longitude: lonB }))).toBe(
      km,
    );
  });
});
