import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { afterAll, expect, it } from 'vitest';
import { answerOf } from '../edge-shim/answer.ts';
import type { Candidate } from '../edge-shim/candidates.ts';
import { readRequest } from '../edge-shim/request.ts';
import { requires } from './debian-packages.ts';
import { startNginx } from './servers/nginx.ts';

const run = promisify(execFile);
const FALLBACK = 'http://fallback.example.org/';
const work = mkdtempSync(join(tmpdir(), 'redirector-metalink-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What `?meta4` answers for an object that these roots hold, in their order. */
function metalink(uri: string, roots: readonly string[]): string {
  const told = { ip: '192.0.2.1', country: 'DE', subdivision: '', forwardedProto: 'http' };
  const request = readRequest({ method: 'GET', uri, query: { meta4: '' }, ...told }, (text) =>
    createHash('sha256').update(text).digest(),
  );
  const holders = roots.map((root, accessPoint): Candidate => {
    return { accessPoint, tier: 0, weight: 1, ipv6: false, root, isAlias: false, whyNot: '' };
  });
  const found = { path: request.path as string, aliasPath: '', holders, leftOut: [], https: false };
  const place = { region: 'DE', reason: 'near', builtAtS: 1, stale: false } as const;
  return answerOf({ kind: 'redirect', ...found, ...place }, request, FALLBACK).body;
}

it('a metalink is XML, and names the file and its places in order, whatever they are called', () => {
  for (const name of ['plain.tar.xz', 'a%26b%3Cc%3E%22.zip', 'gtk%2B3%40x.tar', 'a%252Fb%2F..%2F.', '%E9%0A', "it's"]) {
    const text = metalink(`/distfiles/ab/${name}`, ["a.example.org/it's&more/", '[2001:db8::1]:8080/']);
    expect(XMLValidator.validate(text), name).toBe(true);
    const { metalink: link } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(text);
    expect(link.xmlns).toBe('urn:ietf:params:xml:ns:metalink');
    // A name that could lead out of a folder stays encoded.
    expect(link.file.name).toMatch(/^[^/\n]+$/);
    expect(['.', '..']).not.toContain(link.file.name);
    const urls = link.file.url as { '#text': string; priority: string }[];
    expect(urls.map(({ priority }) => priority)).toEqual(['1', '2']);
    expect(urls[0]?.['#text']).toMatch(/^http:\/\/a\.example\.org\/it's&more\/distfiles\/ab\//);
    for (const { '#text': url } of urls) expect(URL.canParse(url), url).toBe(true);
  }
});

requires('nginx', 'aria2c')('a client of metalinks', () => {
  it('fetches the file from the next place where the first fails', { timeout: 60_000 }, async () => {
    chmodSync(work, 0o755);
    const tree = join(work, 'tree');
    mkdirSync(join(tree, 'distfiles'), { recursive: true });
    const content = Buffer.from('what was wanted\n'.repeat(9000));
    writeFileSync(join(tree, 'distfiles', 'gtk+3.tar'), content);
    const broken = createServer((_, response) => response.writeHead(503).end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => broken.once('listening', resolve));
    const { port } = broken.address() as { port: number };
    const { sites, close } = await startNginx([{ root: tree }]);
    try {
      const file = join(work, 'gtk.meta4');
      const good = new URL(sites[0]?.httpUrl as string).host;
      writeFileSync(file, metalink('/distfiles/gtk%2B3.tar', [`127.0.0.1:${port}/`, `${good}/`]));
      const args = ['--no-conf', '--quiet', '--dir', work, '--follow-metalink=mem', '--metalink-file', file];
      await run('aria2c', args, { timeout: 30_000 });
      expect(readFileSync(join(work, 'gtk+3.tar')).equals(content)).toBe(true);
    } finally {
      broken.close();
      await close();
    }
  });
});
