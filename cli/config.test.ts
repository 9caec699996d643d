import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../core/errors.ts';
import { DEFAULTS_TEXT, parseConfig, readConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'config '));
afterAll(() => rmSync(folder, { recursive: true }));

const MINIMAL = 'fallback = "https://f.example.org/"\n[[inventory]]\nfrom = "/srv/gentoo"\n';

function problemsOf(text: string): string {
  try {
    parseConfig(text, 'x.toml');
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error('accepted');
}

describe('a configuration', () => {
  it('has defaults for all but the fallback and the sources', () => {
    const file = join(folder, 'redirector.toml');
    writeFileSync(file, MINIMAL);
    expect(readConfig(file)).toEqual({
      name: 'Gentoo',
      fallback: 'https://f.example.org/',
      sources: [{ from: '/srv/gentoo', prefix: '' }],
      mirrorList: join(folder, 'distfiles.xml'),
      overrides: null,
      contact: '',
      userAgent: 'redirector/1 (checks what this mirror holds)',
      timeoutMs: 10_000,
      expiryMs: 14 * 86_400_000,
      hostLimits: { connections: 4, requestsPerSecond: 500, bytesPerSecond: 2_000_000 },
    });
  });

  it('that is printed with all defaults means what it says', () => {
    const { mirrorList, overrides, ...rest } = parseConfig(DEFAULTS_TEXT, join(folder, 'x.toml'));
    const minimal = parseConfig(MINIMAL.replace('f.example.org', 'fallback.example.org'), join(folder, 'x.toml'));
    expect(rest).toEqual({ ...rest, ...minimal, mirrorList: undefined, overrides: undefined, ...rest });
    expect([mirrorList, overrides]).toEqual([join(folder, 'distfiles.xml'), join(folder, 'mirrors.toml')]);
  });

  it('takes the overrides that lie beside it', () => {
    writeFileSync(join(folder, 'mirrors.toml'), '');
    expect(parseConfig(MINIMAL, join(folder, 'x.toml')).overrides).toBe(join(folder, 'mirrors.toml'));
  });

  it.each([
    [
      'an unknown key',
      `nmae = "x"\n${MINIMAL}`,
      'x.toml:1: nmae: unknown key; allowed here: name, fallback, inventory, mirrors, check',
    ],
    [
      'an unknown key of a table',
      `${MINIMAL}[mirrors]\nlsit = "a"\n`,
      'x.toml:5: mirrors.lsit: unknown key; allowed here: list, overrides',
    ],
    [
      'an unknown key of a source',
      `${MINIMAL}url = "a"\n`,
      'x.toml:4: inventory[1].url: unknown key; allowed here: from, prefix',
    ],
    [
      'a budget of nothing',
      `${MINIMAL}[check]\nconnections = 0\n`,
      'x.toml:5: check.connections: found 0; allowed: a whole number from 1',
    ],
    [
      'no fallback',
      MINIMAL.split('\n').slice(1).join('\n'),
      'x.toml:1: fallback: found nothing; allowed: an http or https URL without query',
    ],
    [
      'a fallback that is none',
      MINIMAL.replace('https://f.example.org/', 'f.example.org'),
      'x.toml:1: fallback: found "f.example.org"; allowed: an http or https URL without query',
    ],
    [
      'no source',
      'fallback = "https://f.example.org/"\n',
      'x.toml:1: inventory: found nothing; allowed: one or more [[inventory]] tables, each with "from"',
    ],
    [
      'a source of another kind',
      MINIMAL.replace('/srv/gentoo', 'gopher://x/'),
      'x.toml:3: inventory[1].from: found "gopher://x/"; allowed: a directory, or a URL rsync://host/module/',
    ],
    [
      'a number for a text',
      MINIMAL.replace('"/srv/gentoo"', '7'),
      'x.toml:3: inventory[1].from: found 7; allowed: a directory, or a URL rsync://host/module/',
    ],
    [
      'a prefix out of the tree',
      `${MINIMAL}prefix = "../x"\n`,
      'x.toml:4: inventory[1].prefix: found "../x"; allowed: a path in the tree like "distfiles", or ""',
    ],
    [
      'a time without unit',
      `${MINIMAL}[check]\ntimeout = "10"\n`,
      'x.toml:5: check.timeout: found "10"; allowed: a time like "10s", "15m", "6h", "14d"',
    ],
    [
      'a contact that is no URL',
      `${MINIMAL}[check]\ncontact = "me\\nX: y"\n`,
      'x.toml:5: check.contact: found "me\\nX: y"; allowed: an http or https URL',
    ],
    ['a text for a table', `mirrors = "x"\n${MINIMAL}`, 'x.toml:1: mirrors: found "x"; allowed: a table of keys'],
  ])('with %s is refused: file, line, key, what was found, what is allowed', (_, text, message) => {
    expect(problemsOf(text)).toBe(message);
  });

  it('with several problems tells all', () => {
    expect(problemsOf('a = 1\nb = 2\n').split('\n')).toHaveLength(4);
  });

  it('that is no TOML tells the line', () => {
    expect(problemsOf('name = "x"\nfallback = ]\n')).toMatch(/^x\.toml:2: not valid TOML: /);
  });

  it('that is not there tells how to get one', () => {
    expect(() => readConfig(join(folder, 'none.toml'))).toThrow(/config --print-defaults/);
  });
});
