import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../core/errors.ts';
import { DEFAULTS_TEXT, parseConfig, readConfig } from './config.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));
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
      periodMs: 7 * 86_400_000,
      checkpointMs: 30_000,
      sftpKeyFile: null,
      edge: { upgrade: false, aliases: ['distfiles/'] },
      vantages: [],
      store: null,
      hostLimits: { connections: 4, requestsPerSecond: 500, bytesPerSecond: 2_000_000 },
      publish: {
        keep: 5,
        targets: [],
        thresholds: {
          objectsLost: 0.1,
          presenceLost: 0.2,
          candidatesLost: 0.5,
          unknownGained: 0.1,
          evidenceAgeMs: 7 * 86_400_000,
        },
        verifyPatienceMs: 180_000,
      },
    });
  });

  it('names where releases go, with paths that are relative to it', () => {
    const hostKey = `SHA256:${'A'.repeat(43)}`;
    const text = `${MINIMAL}[publish]\nkeep = 3\n[[publish.target]]\nname = "here"\ntype = "directory"\nfolder = "out"\n[[publish.target]]\nname = "www"\ntype = "sftp"\nurl = "sftp://me@h/srv"\nkey = "id"\nhost_key = "${hostKey}"\n`;
    const { publish } = parseConfig(text, join(folder, 'x.toml'));
    expect([publish.keep, publish.targets]).toEqual([
      3,
      [
        { name: 'here', type: 'directory', folder: join(folder, 'out') },
        { name: 'www', type: 'sftp', url: 'sftp://me@h/srv', key: join(folder, 'id'), host_key: hostKey },
      ],
    ]);
  });

  it('has names for CloudFront where none are given', () => {
    const text = `${MINIMAL}[[publish.target]]\nname = "edge"\ntype = "cloudfront"\n`;
    expect(parseConfig(text, join(folder, 'x.toml')).publish.targets).toEqual([
      { name: 'edge', type: 'cloudfront', store: 'redirector', function: 'redirector', invalidate: 'paths' },
    ]);
  });

  it.each([
    ['keep = 1', 'x.toml:5: publish.keep: found 1; allowed: a whole number from 2'],
    ['objects_lost = 2', 'x.toml:5: publish.objects_lost: found 2; allowed: a share from 0 to 1'],
    ['evidence_age = "soon"', 'allowed: a time like'],
    ['[[publish.target]]\nname = "a"\ntype = "ftp"', 'allowed: type = "directory", "sftp" or "cloudfront"'],
    ['[[publish.target]]\nname = "a"\ntype = "cloudfront"\nstore = "a b"', 'allowed: a name of letters, digits'],
    ['[[publish.target]]\nname = "a"\ntype = "cloudfront"\ndistribution = "d111.cloudfront.net"', 'allowed: the id of'],
    ['[[publish.target]]\nname = "a"\ntype = "cloudfront"\ninvalidate = "all"', 'allowed: "paths", "site" or "none"'],

    ['[[publish.target]]\nname = "A b"\ntype = "directory"\nfolder = "x"', 'allowed: a name of a-z, 0-9 and hyphens'],
    [
      '[[publish.target]]\nname = "a"\ntype = "sftp"\nurl = "sftp://me:secret@h/srv"',
      'allowed: a URL sftp://user@host/path',
    ],
    [
      '[[publish.target]]\nname = "a"\ntype = "sftp"\nurl = "sftp://me@h/srv"',
      'publish.target[1].host_key: found nothing; allowed',
    ],
    [
      '[[publish.target]]\nname = "a"\ntype = "directory"\nfolder = "x"\n[[publish.target]]\nname = "a"\ntype = "directory"\nfolder = "y"',
      'publish.target[2].name: found "a"; allowed: a name that no other has',
    ],
  ])('refuses in [publish] %j', (line, problem) => {
    const said = problemsOf(`${MINIMAL}[publish]\n${line}\n`);
    expect(said).toContain(problem);
    expect(said).not.toContain('secret');
  });

  it('names the key that enters mirrors over SFTP, relative to it', () => {
    const of = (line: string) => parseConfig(`${MINIMAL}[check]\n${line}\n`, join(folder, 'x.toml')).sftpKeyFile;
    expect([of('key = "keys/id"'), of('key = "/etc/id"')]).toEqual([join(folder, 'keys/id'), '/etc/id']);
    expect(problemsOf(`${MINIMAL}[check]\nkey = ""\n`)).toContain(
      'check.key: found ""; allowed: the file of a private',
    );
  });

  it('is not right where what it names on this machine is not there', async () => {
    const file = join(folder, 'lacking.toml');
    writeFileSync(
      file,
      `${MINIMAL.replace(/from = .*/, 'from = "no-tree"')}[mirrors]\noverrides = "no-overrides.toml"\n`,
    );
    const run = (): Promise<{ code?: number; stdout: string; stderr: string }> =>
      promisify(execFile)(process.execPath, [redirector, 'config', '--check', '--config', file]).catch(
        (error) => error,
      );
    const lacking = await run();
    expect(lacking.code).toBe(2);
    for (const [key, name] of [
      ['inventory.from', 'no-tree'],
      ['mirrors.list', 'distfiles.xml'],
      ['mirrors.overrides', 'no-overrides.toml'],
    ]) {
      expect(lacking.stderr).toContain(`${key}: ${join(folder, name as string)} is not there`);
      writeFileSync(join(folder, name as string), '');
    }
    expect((await run()).stdout).toContain('right');
  });

  it('that is printed with all defaults means what it says', () => {
    const { mirrorList, overrides, ...rest } = parseConfig(DEFAULTS_TEXT, join(folder, 'x.toml'));
    const minimal = parseConfig(MINIMAL.replace('f.example.org', 'fallback.example.org'), join(folder, 'x.toml'));
    expect(rest).toEqual({ ...rest, ...minimal, mirrorList: undefined, overrides: undefined, ...rest });
    // Overrides are read where they are there.
    expect([mirrorList, overrides]).toEqual([join(folder, 'distfiles.xml'), null]);
  });

  it('has vantages where it says, or in the middle of their country', () => {
    const text = `${MINIMAL}[[vantage]]\nname = "here"\nlatitude = 1.5\nlongitude = -2\noverlap = 1\n[[vantage]]\nname = "eu-west"\ncountry = "IE"\n`;
    expect(parseConfig(text, 'x.toml').vantages).toEqual([
      { name: 'here', latitude: 1.5, longitude: -2, overlap: 1 },
      { name: 'eu-west', latitude: 53, longitude: -8, overlap: 2 },
    ]);
  });

  it('has a store in a folder beside it, or on a host whose key is known', () => {
    const store = (text: string) => parseConfig(`${MINIMAL}[store]\n${text}`, join(folder, 'x.toml')).store;
    const at = 'sftp://u@store.example:2222/srv/state';
    const hostKeySha256 = `SHA256:${'a+/B'.repeat(10)}abc`;
    expect(store('at = "kept"')).toEqual({ at: join(folder, 'kept') });
    expect(store(`at = "${at}"\nhost_key = "${hostKeySha256}"\nkey = "id"`)).toEqual({
      at,
      access: { keyFile: join(folder, 'id'), hostKeySha256 },
    });
  });

  it('that lets evidence expire early has a period that is as short', () => {
    expect(parseConfig(`${MINIMAL}[check]\nexpiry = "6d"\n`, 'x.toml').periodMs).toBe(6 * 86_400_000);
  });

  it('takes the overrides that lie beside it', () => {
    writeFileSync(join(folder, 'mirrors.toml'), '');
    expect(parseConfig(MINIMAL, join(folder, 'x.toml')).overrides).toBe(join(folder, 'mirrors.toml'));
  });

  it('enters an sftp source with a key file or the agent, and only a host whose key is known', () => {
    const sftp = (rest: string) =>
      parseConfig(
        MINIMAL.replace('"/srv/gentoo"', `"sftp://leader@master.example:2222/srv/gentoo"\n${rest}`),
        join(folder, 'x.toml'),
      );
    const hostKeySha256 = `SHA256:${'a+/B'.repeat(10)}abc`;
    const from = 'sftp://leader@master.example:2222/srv/gentoo';
    expect(sftp(`host_key = "${hostKeySha256}"\nkey = "id_ed25519"`).sources).toEqual([
      { from, prefix: '', access: { keyFile: join(folder, 'id_ed25519'), hostKeySha256 } },
    ]);
    expect(sftp(`host_key = "${hostKeySha256}"`).sources).toEqual([
      { from, prefix: '', access: { keyFile: null, hostKeySha256 } },
    ]);
  });

  it.each([
    [
      'an sftp source without the key of its host',
      MINIMAL.replace('/srv/gentoo', 'sftp://leader@master.example/srv/gentoo'),
      'x.toml:2: inventory[1].host_key: found nothing; an sftp:// place needs it: the fingerprint "SHA256:…" that "ssh-keygen -l" prints for the host\'s key',
    ],
    [
      'an sftp source with a password',
      MINIMAL.replace('/srv/gentoo"', `sftp://u:secret@h/srv"\nhost_key = "SHA256:${'A'.repeat(43)}"`),
      'x.toml:3: inventory[1].from: found "sftp://u:…@h/srv"; allowed: a directory, or a URL rsync://host/module/ or sftp://user@host/path',
    ],
    [
      'a key of a host that is none',
      MINIMAL.replace('/srv/gentoo"', 'sftp://u@h/srv"\nhost_key = "aa:bb"'),
      'x.toml:4: inventory[1].host_key: found "aa:bb"; allowed: the fingerprint "SHA256:…" that "ssh-keygen -l" prints',
    ],
    [
      'a key where nobody asks for one',
      `${MINIMAL}key = "id"\n`,
      'x.toml:4: inventory[1].key: found "id"; it is for an sftp:// place alone',
    ],
    [
      'a store that is neither a folder nor on a host of SFTP',
      `${MINIMAL}[store]\nat = "s3://bucket/x"\n`,
      'x.toml:5: store.at: found "s3://bucket/x"; allowed: a folder, or a URL sftp://user@host/path',
    ],
    [
      'a store over sftp without the key of its host',
      `${MINIMAL}[store]\nat = "sftp://u@h/x"\n`,
      'x.toml:4: store.host_key: found nothing; an sftp:// place needs it: the fingerprint "SHA256:…" that "ssh-keygen -l" prints for the host\'s key',
    ],
    [
      'an unknown key',
      `nmae = "x"\n${MINIMAL}`,
      'x.toml:1: nmae: unknown key; allowed here: name, fallback, inventory, mirrors, check, edge, vantage, store, publish',
    ],
    [
      'an unknown key of a table',
      `${MINIMAL}[mirrors]\nlsit = "a"\n`,
      'x.toml:5: mirrors.lsit: unknown key; allowed here: list, overrides',
    ],
    [
      'an unknown key of a source',
      `${MINIMAL}url = "a"\n`,
      'x.toml:4: inventory[1].url: unknown key; allowed here: from, prefix, key, host_key',
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
      'x.toml:3: inventory[1].from: found "gopher://x/"; allowed: a directory, or a URL rsync://host/module/ or sftp://user@host/path',
    ],
    [
      'a number for a text',
      MINIMAL.replace('"/srv/gentoo"', '7'),
      'x.toml:3: inventory[1].from: found 7; allowed: a directory, or a URL rsync://host/module/ or sftp://user@host/path',
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
    [
      'a period in which evidence expires',
      `${MINIMAL}[check]\nexpiry = "6d"\nperiod = "7d"\n`,
      'x.toml:6: check.period: found "7d"; allowed: a time not longer than check.expiry',
    ],
    [
      'a vantage that is nowhere',
      `${MINIMAL}[[vantage]]\nname = "a"\nlatitude = 3\n`,
      'x.toml:4: vantage[1].country: found nothing; allowed: either country, or latitude and longitude',
    ],
    [
      'a vantage in two places',
      `${MINIMAL}[[vantage]]\nname = "a"\ncountry = "DE"\nlatitude = 3\n`,
      'x.toml:6: vantage[1].country: found "DE"; allowed: either country, or latitude and longitude',
    ],
    [
      'a vantage in no country',
      `${MINIMAL}[[vantage]]\nname = "a"\ncountry = "UK"\n`,
      'x.toml:6: vantage[1].country: found "UK"; allowed: an ISO 3166-1 code like "IE"',
    ],
    [
      'a vantage off the earth',
      `${MINIMAL}[[vantage]]\nname = "a"\nlatitude = 91\nlongitude = 0\n`,
      'x.toml:6: vantage[1].latitude: found 91; allowed: degrees from -90 to 90',
    ],
    [
      'a vantage whose name is a path',
      `${MINIMAL}[[vantage]]\nname = "../a"\ncountry = "DE"\n`,
      'x.toml:5: vantage[1].name: found "../a"; allowed: a name of a-z, 0-9 and hyphens',
    ],
    [
      'two vantages of one name',
      `${MINIMAL}[[vantage]]\nname = "a"\ncountry = "DE"\n[[vantage]]\nname = "a"\ncountry = "FR"\n`,
      'x.toml:8: vantage[2].name: found "a"; allowed: a name that no other has',
    ],
    [
      'an overlap of nobody',
      `${MINIMAL}[[vantage]]\nname = "a"\ncountry = "DE"\noverlap = 0\n`,
      'x.toml:7: vantage[1].overlap: found 0; allowed: a whole number from 1',
    ],
    [
      'an upgrade that is neither',
      `${MINIMAL}[edge]\nupgrade = "yes"\n`,
      'x.toml:5: edge.upgrade: found "yes"; allowed: true, false',
    ],
    [
      'a folder of aliases without its slash',
      `${MINIMAL}[edge]\naliases = ["distfiles"]\n`,
      'x.toml:5: edge.aliases[1]: found "distfiles"; allowed: a folder of the tree with its slash, like "distfiles/"',
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

  it('with a byte order mark is read; whose bytes are not UTF-8 is refused, with the line', () => {
    const file = join(folder, 'encoded.toml');
    writeFileSync(file, `\ufeff${MINIMAL}`);
    expect(readConfig(file).fallback).toBe('https://f.example.org/');
    writeFileSync(file, Buffer.from(`${MINIMAL}# caf\u00e9\n`, 'latin1'));
    expect(() => readConfig(file)).toThrow(/encoded\.toml:\d+: not UTF-8; save the file in that encoding$/);
  });

  it('that is not there tells how to get one', () => {
    expect(() => readConfig(join(folder, 'none.toml'))).toThrow(/config --print-defaults/);
  });
});
