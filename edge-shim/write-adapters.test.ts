import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { outputLayout } from '../core/output-layout.ts';
import { writeAdapters } from './write-adapters.ts';

const output = mkdtempSync(join(tmpdir(), 'redirector-write-adapters-'));
afterEach(() => rmSync(output, { recursive: true, force: true }));

it('writes what every platform needs, and tells where a map is too large for one', async () => {
  mkdirSync(join(output, 'edge'), { recursive: true });
  const few = [{ key: 'meta', value: '3 0 1 0 0 0  h' }];
  writeFileSync(outputLayout.edgeKeys(output), JSON.stringify({ data: few }));
  const notes: string[] = [];
  const note = (line: string) => notes.push(line);
  await writeAdapters(output, 'https://fallback.example.org/', note);
  expect(notes).toEqual([]);
  expect(readFileSync(outputLayout.edgeLambda(output)).subarray(0, 2).toString()).toBe('PK');
  expect(readFileSync(outputLayout.edgeOpenFaas(output), 'utf8')).toContain('https://fallback.example.org/');
  expect(JSON.parse(readFileSync(outputLayout.edgeOpenFaasKeys(output), 'utf8'))).toEqual({ data: few });
  expect(JSON.parse(readFileSync(outputLayout.edgeNginxKeys(output), 'utf8'))).toEqual({
    data: { meta: '3 0 1 0 0 0  h' },
  });
  expect(readFileSync(outputLayout.edgeNginx(output), 'utf8')).toMatch(/export default \w+;\n$/);
  expect(readFileSync(outputLayout.edgeNginxConfig(output), 'utf8')).toContain(
    `${join(output, 'edge/nginx')}/keys.json`,
  );

  const many = Array.from({ length: 90_000 }, (_, i) => ({
    key: `${i}`,
    value: `${Math.imul(i, 2654435761)}${i * 40503}`,
  }));
  writeFileSync(outputLayout.edgeKeys(output), JSON.stringify({ data: many }));
  await writeAdapters(output, 'https://fallback.example.org/', note);
  expect(notes[0]).toMatch(/^the Lambda@Edge package has \d+ bytes, more than 1000000; no package was written$/);
  expect(existsSync(outputLayout.edgeLambda(output))).toBe(false);
});
