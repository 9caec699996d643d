import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { outputLayout } from '../core/output-layout.ts';
import { startLocalEdge } from '../edge-shim/local-edge.ts';
import { builtForEachTest, type Publishing } from './publishing.ts';

let here: Publishing;
builtForEachTest((built) => {
  here = built;
});

describe('--verify-url', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  it('looks up through the hostname, and finds the new map there', async () => {
    await here.done('publish');
    const edge = await startLocalEdge({
      output: join(here.origin, 'current'),
      host: '127.0.0.1',
      port: 0,
      sitePort: 0,
    });
    closers.push(edge.close);
    await here.build({ inMs: 2000 });
    const { lookUps } = await here.done('publish', '--verify-url', edge.url);
    expect(lookUps).toEqual({ lookUps: 60, waitedMs: 0 });
  });

  it('rolls back where the hostname goes on answering by an old map', async () => {
    const { releaseId: first } = await here.done('publish');
    const old = join(here.origin, 'releases', first);
    const edge = await startLocalEdge({ output: old, host: '127.0.0.1', port: 0, sitePort: 0 });
    closers.push(edge.close);
    await here.build({ inMs: 2000 });
    const { code, stderr } = await here.run('publish', '--quiet', '--verify-url', edge.url, '--verify-patience', '1s');
    expect(code).toBe(1);
    expect(stderr).toMatch(/still answers by the map of \S+Z, not of \S+Z after 2 s\. Rolled back to release /);
    expect(here.current()).toBe(first);
    const [{ releases }] = await here.done('releases');
    expect(releases[0].publications.at(-1)).toMatchObject({ state: 'withdrawn' });
    expect((await here.run('releases')).stdout).toMatch(
      /publish withdrawn, 20\S+ by \S+ to published: http:.* still answers/,
    );
  });

  it('rolls back where a look-up leads to who does not hold the object', async () => {
    const { releaseId: first } = await here.done('publish');
    await here.build({ inMs: 2000 });
    const liar = createServer((request, response) => {
      const builtAtS = Number(JSON.parse(readFileSync(outputLayout.siteData(here.output), 'utf8')).builtAtMs) / 1000;
      const path = request.url?.replace(/\?.*/, '') as string;
      if (request.url?.includes('mirrorlist')) response.end(JSON.stringify({ builtAtS: Math.floor(builtAtS) }));
      else response.writeHead(302, { location: `http://de.example.org/gentoo${path}` }).end();
    }).listen(0, '127.0.0.1');
    await once(liar, 'listening');
    closers.push(async () => void liar.close());
    const { port } = liar.address() as AddressInfo;
    const { code, stderr } = await here.run('publish', '--quiet', '--verify-url', `http://127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/\d+ of 60 look-ups are wrong: \/.* is not known to hold it.*Rolled back to release /);
    expect(here.current()).toBe(first);
  });

  it('that is no URL is refused', async () => {
    const { code, stderr } = await here.run('publish', '--verify-url', 'example.org');
    expect([code, stderr]).toEqual([2, expect.stringContaining('allowed: an http or https URL without query')]);
  });
});
