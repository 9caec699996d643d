import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError, UsageError } from '../../core/errors.ts';
import { publicationOf, releaseOf } from '../../test/suites/origin.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { changedPaths, previousRelease, shownSince } from './changes.ts';
import { gatherRelease } from './gather.ts';
import { decodeLog, decodeManifest, encodeLog, encodeManifest } from './manifest.ts';

const release = (contents: Record<string, string>, second: number) => releaseOf(contents, second).manifest;
const one = release({ 'edge/kvs.json': 'a', 'site/index.html': 'b' }, 1);

describe('a manifest', () => {
  it('comes back as it was written', () => {
    expect(decodeManifest(encodeManifest(one), 'x')).toEqual(one);
    expect(one.id).toMatch(/^20260101T000001000Z-[0-9a-f]{8}$/);
    expect(one.id.slice(-8)).toBe(one.sha256.slice(0, 8));
    expect(release({ 'site/index.html': 'b', 'edge/kvs.json': 'a' }, 9).sha256).toBe(one.sha256);
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', 'null'],
    ['another version', JSON.stringify({ ...one, version: 2 })],
    ['an id that leads elsewhere', JSON.stringify({ ...one, id: '../../etc' })],
    ...['../passwd', '/etc/passwd', 'a/../../b', 'a//b', './a', 'a/.', 'a\nb', 'a\\b', '', 'é'].map(
      (path): [string, string] => [
        `the path ${JSON.stringify(path)}`,
        JSON.stringify({ ...one, files: [{ ...one.files[0], path }] }),
      ],
    ),
    ['a hash that is none', JSON.stringify({ ...one, files: [{ ...one.files[0], sha256: 'x' }] })],
    ['no figures', JSON.stringify({ ...one, figures: null })],
  ])('of %s is refused, naming its file', (_, text) => {
    const decode = () => decodeManifest(Buffer.from(text), 'releases/x/release.json');
    expect(decode).toThrow(FormatError);
    expect(decode).toThrow(/^releases\/x\/release\.json: /);
  });
});

describe('a log', () => {
  it('comes back as it was written, and forgets the oldest of very many', () => {
    const entries = Array.from({ length: 600 }, (_, i) => publicationOf(one.id, 'done', i));
    expect(decodeLog(encodeLog(entries), 'x')).toEqual(entries.slice(100));
    expect(() => decodeLog(Buffer.from('{"version":1,"publications":[{}]}'), 'log')).toThrow(/^log: not a log/);
  });
});

describe('what changed', () => {
  const [a, b, c] = [
    release({ x: '1', y: '1', z: '1' }, 1),
    release({ x: '2', y: '1', z: '1' }, 2),
    release({ x: '1', y: '1', w: '1' }, 3),
  ] as const;

  it('is what differs from any release that was shown since, and what is gone or new', () => {
    expect(changedPaths([a], b)).toEqual(['x']);
    expect(changedPaths([a], c)).toEqual(['w', 'z']);
    // It was 1, then 2 for a while, and is 1 again: the 2 may have been kept somewhere.
    expect(changedPaths([a, b], c)).toEqual(['w', 'x', 'z']);
  });

  it('is not known for a target where nothing was ever done, or of a release that is gone', () => {
    const log = [publicationOf(a.id, 'done', 1), publicationOf(b.id, 'begun', 2)];
    expect(shownSince(log, [c, b, a], 't')).toEqual([b, a]);
    expect(shownSince(log, [c, b], 't')).toBe(null);
    expect(shownSince(log, [c, b, a], 'other')).toBe(null);
  });

  it('is rolled back to the newest before it that was done and never withdrawn', () => {
    const log = [publicationOf(a.id, 'done', 1), publicationOf(b.id, 'done', 2), publicationOf(c.id, 'done', 3)];
    expect(previousRelease(log, [c, b, a], c.id)).toEqual(b);
    expect(previousRelease(log, [c, b, a], b.id)).toEqual(a);
    expect(previousRelease(log, [c, b, a], a.id)).toBe(null);
    const withdrawn = [...log, publicationOf(b.id, 'withdrawn', 4)];
    expect(previousRelease(withdrawn, [c, b, a], c.id)).toEqual(a);
    expect(previousRelease(log, [c, a], c.id)).toEqual(a);
  });
});

describe('gathering', () => {
  let temporary: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    temporary = tempFolder();
    for (const [path, text] of Object.entries({
      'edge/function.js': 'f',
      'edge/kvs.json': '{}',
      'maps/objects.msgpack': 'o',
      'observations/m.msgpack': 'stays at home',
      'site/half.html.12-3.tmp': 'half',
    })) {
      mkdirSync(join(temporary.path, path, '..'), { recursive: true });
      writeFileSync(join(temporary.path, path), text);
    }
  });
  afterEach(() => temporary.close());
  const gather = () => gatherRelease(temporary.path, { ...one, gatheredAtMs: 1e12 });

  it('takes what viewers and other programs need, and nothing that is being written', () => {
    const { manifest, read } = gather();
    expect(manifest.files.map(({ path }) => path)).toEqual([
      'edge/function.js',
      'edge/kvs.json',
      'maps/objects.msgpack',
    ]);
    // What was hashed is what is sent.
    writeFileSync(join(temporary.path, 'edge/kvs.json'), 'other');
    expect(read('edge/kvs.json').toString()).toBe('{}');
  });

  it('refuses a name that a web server or a terminal could misread', () => {
    writeFileSync(join(temporary.path, 'site/\u001b[31m.html'), 'x');
    expect(gather).toThrow(UsageError);
    expect(gather).toThrow(/\\u001b\[31m\.html": no name for a file of a release; remove it/);
  });
});
