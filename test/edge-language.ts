import { expect } from 'vitest';

const FOREIGN_NAMES = /\b(process|require|Function|eval|setTimeout|setImmediate|export|Map|Set|BigInt)\b/;
const FOREIGN_SYNTAX = /\.\.\.|\?\.|\bfor\s*\(\s*(const|let|var)\s+\S+\s+of\b|catch\s*\{|\(\s*await\b|,\s*await\b/;

/** Fails where a text names what cloudfront-js-2.0 lacks. What it misses, njs finds. */
export function expectEdgeLanguage(code: string): void {
  expect(code).not.toMatch(FOREIGN_NAMES);
  expect(code).not.toMatch(FOREIGN_SYNTAX);
}
