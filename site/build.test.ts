import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HtmlValidate } from 'html-validate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormatError, UsageError } from '../core/errors.ts';
import { encodeStatus } from '../core/formats/status-file.ts';
import type { ProbeRecord } from '../core/liveness.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { outputLayout } from '../core/output-layout.ts';
import type { Progress } from '../core/progress.ts';
import type { Status } from '../core/status.ts';
import { siteData } from '../generator/site-data.ts';
import {
  dayAt,
  mirrorList,
  probeOf,
  seeded,
  syntheticInventory,
  syntheticMirror,
  syntheticObservations,
} from '../test/synthetic.ts';
import { buildSite } from './build.ts';

const NOW_MS = Date.UTC(2026, 9, 1, 12);
const NOW_S = NOW_MS / 1000;
const HOSTILE = '</td><script>alert("x")</script> \u202egnp.exe {{ 7 * 7 }} \'"&';
const ESCAPED =
  '&lt;/td&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; \ufffdgnp.exe {{ 7 * 7 }} &#39;&quot;&amp;';
const project = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), 'status site '));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Mirrors in all states; the hostile text stands wherever a text can. */
function hostileStatus(): Status {
  const inventory = syntheticInventory(300, NOW_MS);
  const states = [
    { state: 'up', sinceS: NOW_S - 9000, checkedAtS: NOW_S - 60, reason: '' },
    { state: 'failing', sinceS: NOW_S - 300, checkedAtS: NOW_S - 60, reason: HOSTILE },
    { state: 'down', sinceS: NOW_S - 200_000, checkedAtS: NOW_S - 60, reason: HOSTILE },
  ] as const;
  const mirrors = [
    syntheticMirror('plain.example', 'Plain', ['DE'], ['https', 'http', 'rsync', 'ftp']),
    syntheticMirror('hostile_1.example', HOSTILE, ['DE', 'US'], ['https', 'http', 'rsync'], true),
    syntheticMirror('..', 'Dots', ['"><b>'], ['https']),
    syntheticMirror('new.example', 'Never looked at', ['BR'], ['https']),
  ];
  const points = mirrors[1]!.accessPoints as unknown as { url: string }[];
  points[0]!.url = `https://hostile.example/${HOSTILE}`;
  points[1]!.url = 'javascript:alert(1)';
  let calls = 0;
  return siteData({
    ...{ name: `Gentoo ${HOSTILE}`, fallback: 'https://fallback.example/', contact: 'mailto:mirrors@example.org' },
    inventory,
    mirrors: { ...mirrorList(mirrors, NOW_MS - 7_200_000), notes: [HOSTILE] },
    observations: ({ id }) => {
      if (id.endsWith('ftp') || id.startsWith('new')) return null;
      const how = { missing: 0.3, nowS: NOW_S, random: seeded(calls) };
      const observations = syntheticObservations(inventory, id, states[calls++ % 3]!, how);
      observations.failures[0] = HOSTILE;
      const report = (state: 'up' | 'down', roundTripMs: number | null) => {
        const liveness = { state, sinceS: NOW_S - 70, checkedAtS: NOW_S - 60, reason: state === 'up' ? '' : HOSTILE };
        return { liveness, roundTripMs, cost: observations.cost };
      };
      observations.vantages = { 'eu-west': report('up', 12.6), asia: report('down', null) };
      return observations;
    },
    probe: ({ id, url }) => (id.endsWith('https') ? hostileProbe(id, url) : null),
    history: ({ id }) => (id.startsWith('new') ? [] : HISTORY),
    expiryMs: 10 * 86_400_000,
    nowMs: NOW_MS,
  });
}

/** A day is missing, and one has no lag; the last one found it never up. */
const HISTORY = Array.from({ length: 40 }, (_, i) => {
  const day = dayAt(NOW_S - (39 - i) * 86_400, i === 30 ? null : i * 1000, 0.9 + i / 500);
  return i === 39 ? { ...day, checksUp: 0 } : i < 38 && i % 4 === 0 ? { ...day, checksUp: 4 } : day;
}).filter((_, i) => i !== 35);

function hostileProbe(id: string, url: string): ProbeRecord {
  const changes = [{ state: 'down', atS: NOW_S - 500, reason: HOSTILE }] as const;
  return {
    ...probeOf(id, url, NOW_S),
    finalHost: HOSTILE,
    warnings: [HOSTILE, 'certificate expires in 5 days'],
    history: changes,
  };
}

function outputWith(name: string, status: string | null): string {
  const output = join(scratch, name);
  mkdirSync(output, { recursive: true });
  if (status !== null) writeFileAtomic(outputLayout.siteData(output), status);
  return output;
}

const status = hostileStatus();
const accessPoints = status.mirrors.flatMap((mirror) => mirror.accessPoints);
let folder = '';
const pages = new Map<string, string>();

beforeAll(async () => {
  const built = await buildSite({ output: outputWith('hostile', encodeStatus(status)) });
  folder = built.folder;
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.html'))) {
    pages.set(name, readFileSync(join(folder, name), 'utf8'));
  }
});

describe('the built site', () => {
  it('has an overview, a page about it, one for missing addresses and one for each mirror, with data and style', () => {
    expect(readdirSync(folder).sort()).toEqual(
      [
        ...['404.html', 'about.html', 'index.html', 'site.css', 'status.json'],
        ...status.mirrors.map(({ id }) => `mirror-${id}.html`),
      ].sort(),
    );
    expect(JSON.parse(readFileSync(join(folder, 'status.json'), 'utf8'))).toEqual(status);
  });

  it('is valid HTML on every page', async () => {
    const validator = new HtmlValidate({
      extends: ['html-validate:recommended', 'html-validate:a11y'],
      rules: {
        'long-title': 'off',
        'no-trailing-whitespace': 'off',
        'no-raw-characters': ['error', { relaxed: true }],
      },
    });
    const problems: string[] = [];
    for (const [name, html] of pages) {
      const report = await validator.validateString(html, name);
      for (const { messages } of report.results) {
        for (const { line, ruleId, message } of messages) problems.push(`${name}:${line} ${ruleId}: ${message}`);
      }
    }
    expect(problems).toEqual([]);
  });

  it('has only links that lead somewhere, all of them relative', () => {
    let count = 0;
    for (const [name, html] of pages) {
      for (const [, raw] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
        const link = raw!.replaceAll('&amp;', '&');
        if (/^(https?:|mailto:|data:)/.test(link)) continue;
        const [target, anchor] = link.split('#') as [string, string?];
        const file = target === '' ? name : target;
        expect(existsSync(join(folder, file)), `${name}: ${link}`).toBe(true);
        if (anchor) expect(pages.get(file), `${name}: ${link}`).toContain(`id="${anchor}"`);
        expect(link).not.toMatch(/^\/|:/);
        count++;
      }
    }
    expect(count).toBeGreaterThan(50);
  });

  it('shows every access point in the table, once', () => {
    const whole = pages.get('index.html')!;
    const html = whole.slice(whole.indexOf('<table class="points">'), whole.indexOf('</table>'));
    const rows = [...html.matchAll(/<tr[^>]*>\s*<th scope="row">.*?<\/tr>/gs)].map((match) => match[0]);
    expect(rows).toHaveLength(accessPoints.length);
    for (const mirror of status.mirrors) {
      const own = rows.filter((row) => row.includes(`href="mirror-${mirror.id}.html"`));
      const shown = own.map((row) => [
        /class="protocol">([^<]*)/.exec(row)?.[1],
        /<\/svg>([a-z ]+)<\/span>/.exec(row)?.[1],
      ]);
      expect(shown).toEqual(mirror.accessPoints.map(({ protocol, state }) => [protocol, state]));
    }
  });

  it('says in words how many access points are up and how many objects have no holder', () => {
    const html = pages.get('index.html')!;
    const up = accessPoints.filter(({ state }) => state === 'up').length;
    expect(html).toContain(`<h1>${up} of ${accessPoints.length} access points are up</h1>`);
    expect(html).toMatch(
      new RegExp(`Every object but <a href="#unheld">${status.totals.unheld.count}</a> of \\d+ is held`),
    );
  });

  it('escapes what others wrote, and shows what would reorder text as a mark', () => {
    for (const [name, html] of pages) {
      expect(html.toLowerCase(), name).not.toContain('<script');
      expect(html, name).not.toContain('<img');
      expect(html, name).not.toContain('\u202e');
      expect(html, name).not.toMatch(/href="javascript:/);
      expect(html, name).not.toContain('alert("');
      expect(html, name).toContain(`<bdi>Gentoo ${ESCAPED}</bdi> mirrors`);
    }
    const overview = pages.get('index.html')!;
    expect(overview).toContain(`<a href="mirror-hostile_1.example.html"><bdi>${ESCAPED}</bdi></a>`);
    expect(overview).toContain(`<td class="reason"><bdi>${ESCAPED}</bdi></td>`);
    expect(overview).toContain(`<li><bdi>${ESCAPED}</bdi></li>`);
    const mirror = pages.get('mirror-hostile_1.example.html')!;
    expect(mirror).toContain(`<title>${ESCAPED} –`);
    expect(mirror).toContain(`href="https://hostile.example/${ESCAPED}"`);
    expect(mirror).toContain('<code>javascript:alert(1)</code>');
  });

  it('gives each mirror its reasons, its missing objects and the way to reach us', () => {
    const html = pages.get('mirror-plain.example.html')!;
    for (const { absent, different, failures } of status.mirrors[0]!.accessPoints.slice(0, 3)) {
      expect(absent.length * different.length * failures.length).toBeGreaterThan(0);
      for (const { path } of [...absent, ...different].filter(({ path }) => /^[\w./-]+$/.test(path))) {
        expect(html).toContain(`<bdi class="path">${path}</bdi>`);
      }
      for (const { objects } of failures) expect(html).toContain(`<td>${objects}</td>`);
    }
    expect(html).toContain('href="mailto:mirrors@example.org"');
  });

  it('shows the last days of an access point: charts that say in words what they show, and a table', () => {
    const html = pages.get('mirror-plain.example.html')!;
    const [https] = status.mirrors[0]!.accessPoints;
    const labels = [...html.matchAll(/role="img" aria-label="([^"]*)"/g)].map(([, label]) => label);
    expect(labels.slice(0, 4)).toEqual([
      'Coverage day by day: 97.80\u00a0% on 1\u00a0Oct, 92.00\u00a0% at the lowest, on 2\u00a0Sept',
      'Up day by day: 78.44\u00a0% of 29 days, 0\u00a0% at the lowest, on 1\u00a0Oct',
      'Behind the master day by day: 10\u00a0h on 1\u00a0Oct',
      'Requests of ours day by day: 1,200 on 1\u00a0Oct; 34,800 in all',
    ]);
    const table = html.slice(html.indexOf('<table class="days">'));
    const days = [...table.slice(0, table.indexOf('</table>')).matchAll(/<tr><th scope="row">([^<]*)/g)];
    expect(days).toHaveLength(https!.history.length);
    expect([days[0]![1], days.at(-1)![1]]).toEqual(['1\u00a0Oct', '2\u00a0Sept']);
    expect(pages.get('mirror-new.example.html')).not.toContain('<figure');
  });

  it('shows what probes found and what each vantage says', () => {
    const mirror = pages.get('mirror-plain.example.html')!;
    expect(mirror).toContain('at the last probe IPv4 up, IPv6 down');
    expect(mirror).toMatch(/<dt>Behind the master<\/dt><dd>2\u00a0h</);
    expect(mirror).toMatch(/<dt>Certificate<\/dt><dd>40\u00a0d left/);
    expect(mirror).toContain(`<bdi><code>${ESCAPED}</code></bdi>`);
    expect(mirror).toContain('<bdi>certificate expires in 5 days</bdi>');
    expect(mirror).toContain(`<bdi class="reason">${ESCAPED}</bdi></li>`);
    expect(mirror).toMatch(/<th scope="row"><bdi>eu-west<\/bdi><\/th>.*13&nbsp;ms/);
    const overview = pages.get('index.html')!;
    expect(overview).toContain('<span class="tag">IPv6 down</span>');
    const vantages = overview.slice(overview.indexOf('<table class="vantages">'));
    expect(vantages).toMatch(/<bdi>asia<\/bdi><\/th><td data-label="up">0<\/td>/);
  });

  it('names the sources of data of others', () => {
    expect(pages.get('about.html')).toMatch(/world-countries.*Open Database License.*GeoNames.*Creative Commons/s);
  });

  it('stays small: under 1.5 KB for a row of the overview, 12 KB for an access point with all its days', () => {
    const rows = pages.get('index.html')!.length - 12_000;
    expect(rows / accessPoints.length).toBeLessThan(1500);
    const days = pages.get('mirror-plain.example.html')!.split('<section class="point"')[1]!;
    expect(days.slice(days.indexOf('class="charts"'), days.indexOf('class="failures"')).length).toBeLessThan(12_000);
  });

  it('uses no JavaScript, and needs no other file on the page for missing addresses', () => {
    for (const html of pages.values()) expect(html).not.toMatch(/<script| on[a-z]+="/);
    expect(pages.get('404.html')).not.toContain('rel="stylesheet"');
    expect(pages.get('404.html')).toContain('prefers-color-scheme: dark');
  });
});

describe('buildSite', () => {
  it.each([
    ['there is no status yet', null, UsageError, /status\.json is missing; run "redirector build"/],
    ['the status is empty', '', FormatError, /status\.json: .*; run "redirector build"/],
    ['the status is torn', encodeStatus(status).slice(0, 900), FormatError, /status\.json: .*; run "redirector build"/],
    ['the status is of another version', '{"version":0}', FormatError, /of version 1; run "redirector build"/],
    [
      'a mirror id is no safe name',
      encodeStatus(status).replaceAll('hostile_1', '/etc'),
      FormatError,
      /no mirror id; run/,
    ],
    [
      'a mirror id stands twice',
      encodeStatus(status).replaceAll('new.ex', 'plain.ex'),
      FormatError,
      /plain\.example; run/,
    ],
  ])('tells which command to run where %s, and leaves the old site', async (name, text, type, message) => {
    const output = outputWith(name, text);
    mkdirSync(outputLayout.site(output));
    writeFileSync(join(outputLayout.site(output), 'index.html'), 'old');
    const error = await buildSite({ output }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(message);
    expect(readFileSync(join(outputLayout.site(output), 'index.html'), 'utf8')).toBe('old');
    expect(readdirSync(output).filter((entry) => entry !== 'site-data')).toEqual(['site']);
  });

  it('replaces the old site as a whole, after builds that were killed at any step too', async () => {
    const output = outputWith('killed', encodeStatus(status));
    for (const leftover of ['site.new', 'site.old']) {
      mkdirSync(join(output, leftover));
      writeFileSync(join(output, leftover, 'stale.html'), '');
    }
    const { pages, folder } = await buildSite({ output });
    expect(pages).toBe(status.mirrors.length + 3);
    expect(readdirSync(output).sort()).toEqual(['site', 'site-data']);
    expect(readdirSync(folder)).toHaveLength(pages + 2);
    await buildSite({ output });
    expect(readdirSync(folder)).toHaveLength(pages + 2);
  });

  it('counts the pages as they are rendered', async () => {
    let total = 0;
    let done = 0;
    let ended = 0;
    const progress: Progress = {
      start: (_, steps) => {
        total = steps;
        return { advance: (n) => (done += n), setTotal: () => {}, end: () => ended++ };
      },
      note: () => {},
    };
    const { pages } = await buildSite({ output: outputWith('progress', encodeStatus(status)), progress });
    expect([total, done, ended]).toEqual([pages, pages, 1]);
  });

  it('builds the same where it is installed below node_modules in a path with spaces, from a folder with things of its own', async () => {
    const home = join(scratch, 'my things', 'node_modules', 'redirector');
    for (const part of ['core', 'site']) await cp(join(project, part), join(home, part), { recursive: true });
    symlinkSync(join(project, 'node_modules'), join(home, 'node_modules'));
    writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
    const elsewhere = join(scratch, 'my things');
    writeFileSync(join(elsewhere, 'eleventy.config.js'), 'throw new Error("read a configuration of the folder");');
    writeFileSync(join(elsewhere, '.gitignore'), 'node_modules\n');
    const output = outputWith('elsewhere', encodeStatus(status));
    const before = process.cwd();
    process.chdir(elsewhere);
    try {
      const copy: typeof import('./build.ts') = await import(pathToFileURL(join(home, 'site', 'build.ts')).href);
      const built = await copy.buildSite({ output });
      for (const [name, html] of pages) expect(readFileSync(join(built.folder, name), 'utf8')).toBe(html);
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(elsewhere).sort()).toEqual(['.gitignore', 'eleventy.config.js', 'node_modules']);
  });
});
