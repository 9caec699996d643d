import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { styleSheet } from './style-sheet.ts';

it('the style sheet has every file of the styles once', () => {
  const folder = new URL('styles/', import.meta.url);
  const files = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
  expect(files.length).toBeGreaterThan(5);
  expect(files.map((text) => styleSheet().split(text).length - 1)).toEqual(files.map(() => 1));
});
