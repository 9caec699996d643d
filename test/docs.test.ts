import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../demo/fleet.ts';
import { plantTree } from '../demo/tree.ts';
import { commandsOf, isAws, pages, readPage as read } from './doc-commands.ts';
import { mmdbOf } from './mmdb.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
/** Run elsewhere: by continuous integration, and by the demo's own test. */
const RUN_ELSEWHERE = new Set(['npm ci && npm start', 'npm ci && npm test']);

// What belongs to AWS' program is read by deploy.test.ts.
const commands = pages.flatMap((page) =>
  commandsOf(page)
    .filter((command) => !isAws(command))
    .map((command) => [page, command] as const),
);

describe('the commands of the documentation', () => {
  const work = mkdtempSync(join(tmpdir(), 'redirector-docs-'));
  let fleet: Fleet;

  beforeAll(async () => {
    const tree = plantTree(join(work, 'tree'), { objects: 700, seed: 3 });
    fleet = await startFleet({ tree, folder: join(work, 'fleet') });
    writeFileSync(join(work, 'distfiles.xml'), fleet.distfilesXml);
    // The one mirror that the pages name.
    const { host } = new URL(fleet.mirrors[0]?.urls[0] as string);
    const id = `${host.replace(':', '-')}-tulip-archive`;
    writeFileSync(join(work, 'mirrors.toml'), `[mirror."${id}"]\nid = "mirror.example.org"\n`);
    mkdirSync(join(work, 'node_modules/.bin'), { recursive: true });
  });

  afterAll(async () => {
    await fleet.close();
    rmSync(work, { recursive: true, force: true });
  });

  it('are there', () => {
    expect(commands.length).toBeGreaterThan(8);
  });

  it.each(commands)('%s: %s', { timeout: 60_000 }, async (_, command) => {
    if (RUN_ELSEWHERE.has(command)) return;
    const line = command.replace(/^npx redirector /, `"${process.execPath}" "${join(root, 'redirector.js')}" `);
    expect(line).not.toBe(command);
    if (command === 'npx redirector serve') {
      await servesUntilInterrupted(['serve', '--port', '0', '--site-port', '0'], async (edge) => {
        const answer = await fetch(`${edge}distfiles/layout.conf?country=DE`, { redirect: 'manual' });
        expect(answer.status).toBe(302);
        const headers = { 'cloudfront-viewer-country': 'JP' };
        expect((await fetch(`${edge}distfiles/layout.conf`, { headers })).status).toBe(200);
      });
      return;
    }
    if (command.startsWith('npx redirector edge ')) {
      writeFileSync(join(work, 'countries.mmdb'), mmdbOf({ '127.0.0.0/8': { country: { iso_code: 'JP' } } }));
      // Whoever runs the tests may have something on that port.
      const args = command.replace('npx redirector ', '').replace('--port 8080', '--port 0').split(' ');
      await servesUntilInterrupted(args, async (edge) => {
        const answer = await fetch(`${edge}distfiles/layout.conf`, { redirect: 'manual' });
        expect(answer.headers.get('x-redirector')).toContain('region=JP');
      });
      return;
    }
    await run('sh', ['-c', line], { cwd: work, maxBuffer: 16 * 1024 * 1024 });
    // What the person is told to say in the configuration, said.
    if (command.endsWith('> redirector.toml')) {
      const text = [
        'name = "Docs"',
        `fallback = "${fleet.fallbackUrl}"`,
        '[[inventory]]',
        'from = "tree"',
        '[check]',
        'timeout = "1s"',
        '[[vantage]]',
        'name = "eu-west"',
        'country = "IE"',
        '[store]',
        'at = "store"\n',
      ];
      writeFileSync(join(work, 'redirector.toml'), text.join('\n'));
    }
  });

  async function servesUntilInterrupted(args: string[], ask: (edge: string) => Promise<void>): Promise<void> {
    const child = spawn(process.execPath, [join(root, 'redirector.js'), ...args], { cwd: work });
    let printed = '';
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.stderr.on('data', (chunk) => {
      printed += chunk;
    });
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        printed += chunk;
        if (printed.includes('Ctrl-C ends it.')) resolve();
      });
      child.on('exit', () => reject(new Error(printed)));
    });
    await ask(/edge: (\S+)/.exec(printed)?.[1] as string);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  }
});

describe('the documentation', () => {
  it.each(pages)('%s links to files that are there', (page) => {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(join(root, dirname(page), target as string)), target).toBe(true);
    }
  });

  it('gives a reason for every dependency, and for none that is gone', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json'));
    const told = [...read('docs/dependencies.md').matchAll(/^\| (@?[a-z0-9][\w@/.\\*-]*) \|/gm)].map(
      ([, name]) => name as string,
    );
    const packages = [...Object.keys(dependencies), ...Object.keys(devDependencies)].filter(
      (name) => !name.startsWith('@types/'),
    );
    expect(told.filter((name) => name !== 'package' && !name.startsWith('@types/')).sort()).toEqual(packages.sort());
  });

  it('names every command of the front door in the README', async () => {
    const { stdout } = await run(process.execPath, [join(root, 'redirector.js'), '--help']);
    const names = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(8);
    for (const name of names) expect(read('README.md')).toContain(`| \`${name}\` |`);
  });
});
