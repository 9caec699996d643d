import { describe, expect, it } from 'vitest';
import { FOLDERS_BY_VANTAGE, OUTPUT_FOLDERS, outputLayout } from './output-layout.ts';

const VANTAGE = 'eu';
const folders: readonly string[] = ['.', ...OUTPUT_FOLDERS, ...FOLDERS_BY_VANTAGE.map((name) => `${name}/${VANTAGE}`)];
const placed = Object.entries(outputLayout).flatMap(([name, place]) =>
  ['', VANTAGE].map((vantage) => [name, place('.', 'x', vantage)] as const),
);

describe('the output layout', () => {
  it.each(placed)('has %s (%s) in the output folder itself or in a folder that is named', (_, path) => {
    const end = path.lastIndexOf('/');
    expect(folders).toContain(end < 0 ? '.' : path.slice(0, end));
  });

  it('names no folder in which nothing lies', () => {
    const used = placed.map(([, path]) => path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    expect(OUTPUT_FOLDERS.filter((folder) => !used.includes(folder))).toEqual([]);
  });
});
