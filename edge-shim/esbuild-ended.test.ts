import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { outputLayout } from '../core/output-layout.ts';
import { tempFolder } from '../test/temp-folder.ts';
import { bundleFunction } from './bundle.ts';
import { writeAdapters } from './write-adapters.ts';

vi.mock('esbuild', () => ({ build: () => Promise.reject(new Error('The service was stopped: write EPIPE')) }));

const { path: output, close } = tempFolder();
afterAll(close);

describe('an esbuild that a Ctrl-C ended in the midst of its work', () => {
  it('is no bug', async () => {
    await expect(bundleFunction('https://example.org/')).rejects.toMatchObject({ name: 'RunError' });
  });

  it('takes no package of an earlier build away', async () => {
    const file = outputLayout.edgeLambda(output);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'earlier');
    writeFileSync(outputLayout.edgeKeys(output), '{"data":[]}');
    await expect(writeAdapters(output, 'https://example.org/', () => {})).rejects.toThrow('was ended in the midst');
    expect(existsSync(file) && readFileSync(file, 'utf8')).toBe('earlier');
  });
});
