import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PROTOCOLS } from '../../core/mirror.ts';
import type { Method } from './contract.ts';
import { METHOD_LIST, methodFor } from './index.ts';

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8');
const about = ({ name, scope, protocols }: Method) => ({ name, scope, protocols });

describe.each(METHOD_LIST.map((method) => [method.name, method] as const))('%s', (name, method) => {
  test('is registered as it says of itself, in the file of its name', async () => {
    const file = new URL(`./${name}.ts`, import.meta.url).href;
    const exported = Object.values((await import(/* @vite-ignore */ file)) as Record<string, Method>);
    expect(exported.filter((one) => one.name === name).map(about)).toEqual([about(method)]);
  });

  test('is run through what every method must do, by a test of its own', () => {
    const text = read(`./${name}.test.ts`);
    expect(text).toContain('checkerSuite({');
    expect(text).toContain(` from './${name}.ts';`);
  });

  test('has its section in the documentation', () => {
    expect(read('../../docs/methods.md')).toContain(`\n## ${name}\n`);
  });
});

test('no name is given twice, and every protocol has a method', () => {
  expect(new Set(METHOD_LIST.map(({ name }) => name)).size).toBe(METHOD_LIST.length);
  for (const protocol of PROTOCOLS) expect(methodFor(protocol)?.protocols).toContain(protocol);
});
