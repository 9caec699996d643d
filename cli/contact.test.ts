import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { AccessPoint, Mirror } from '../core/mirror.ts';
import { silentProgress } from '../core/progress.ts';
import { keep } from '../test/keep.ts';
import { mirrorListXml } from '../test/mirror-list.ts';
import { tempFolder } from '../test/temp-folder.ts';
import { noteMissingContact } from './contact.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));

function notes(contact: string, ...urls: readonly string[]): readonly string[] {
  const said: string[] = [];
  const progress = { ...silentProgress, note: (line: string) => void said.push(line) };
  const mirrors = urls.map((url) => ({ accessPoints: [{ url } as AccessPoint] }) as unknown as Mirror);
  noteMissingContact({ progress }, { contact }, mirrors);
  return said;
}

test.each<[notes: number, contact: string, ...urls: string[]]>([
  [1, '', 'https://mirror.example.org/gentoo/'],
  [1, '', 'http://127.0.0.1:8080/', 'rsync://mirror.example.org/gentoo/'],
  [1, '', 'http://10.0.0.1/'],
  [0, 'https://example.org/about', 'https://mirror.example.org/gentoo/'],
  [0, '', 'http://127.0.0.1:8080/', 'ftp://[::1]:2121/', 'rsync://a.localhost/tree/'],
  [0, ''],
])('%i notes with the contact "%s" and %s', (count, contact, ...urls) => {
  const said = notes(contact, ...urls);
  expect(said).toHaveLength(count);
  for (const line of said) expect(line).toContain('check.contact');
});

test.each(['check', 'probe', 'run'])('%s notes it once', { timeout: 60_000 }, async (command) => {
  const work = keep(tempFolder()).path;
  mkdirSync(join(work, 'tree'));
  writeFileSync(join(work, 'tree/f'), '1234567');
  // Nobody listens there, and it is no loopback address.
  const mirrors = [{ country: 'DE', name: 'm', urls: ['http://0.0.0.0:1/'] }];
  writeFileSync(join(work, 'distfiles.xml'), mirrorListXml(mirrors));
  const config = ['fallback = "https://f.example.org/"', '[[inventory]]', 'from = "tree"', ''].join('\n');
  writeFileSync(join(work, 'redirector.toml'), config);
  const noted = (...args: readonly string[]) => {
    const { stderr } = spawnSync(process.execPath, [redirector, ...args], { cwd: work, encoding: 'utf8' });
    return stderr.split('\n').filter((line) => line.includes('check.contact')).length;
  };
  expect(noted('inventory')).toBe(0);
  expect(noted(command)).toBe(1);
  if (command !== 'probe') expect(noted(command, '--dry-run')).toBe(0);
  writeFileSync(join(work, 'redirector.toml'), `${config}[check]\ncontact = "https://example.org/"\n`);
  expect(noted(command)).toBe(0);
});
