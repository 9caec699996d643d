import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findInBucket, fingerprintSpace, memberOf, memberPath } from '../core/look-up.ts';
import { Outcome } from '../core/observations.ts';
import { answerOf } from '../edge-shim/answer.ts';
import { decide, type Tables } from '../edge-shim/decide.ts';
import { readRequest, type ViewerEvent } from '../edge-shim/request.ts';
import { type Entry, entryOf, packBuckets } from '../generator/maps/buckets.ts';
import type { Maps } from '../generator/maps/build.ts';
import { fleetEvidence } from './fleet.ts';
import { distfilesOf, evidenceOf, FALLBACK, inventoryOf, mapsOf, NOW_MS, RULES } from './small-build.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** What a viewer in a country is answered, and how many keys that took. */
function ask(maps: Maps, path: string, { country = 'DE', list = '', ip = '192.0.2.1', scheme = 'https' } = {}) {
  const store = new Map(maps.keys);
  const query: ViewerEvent['query'] = list === '' ? {} : { [list]: '' };
  const event = { method: 'GET', uri: `/${path}`, query, ip, country, subdivision: '', forwardedProto: scheme };
  const request = readRequest(event, sha256);
  const tables: Tables = {};
  for (let reads = 0; ; reads++) {
    const decision = decide(request, tables, NOW_MS / 1000, FALLBACK);
    if (decision.kind !== 'need') return { ...answerOf(decision, request, FALLBACK), decision, reads };
    tables[decision.key] = store.get(decision.key) ?? null;
  }
}

describe('a family of paths', () => {
  it('is a flat name and its namesakes in folders of two hex digits', () => {
    expect(memberOf('distfiles/x')).toEqual({ name: 'distfiles/x', slot: 0 });
    expect(memberOf('distfiles/00/x')).toEqual({ name: 'distfiles/x', slot: 1 });
    expect(memberOf('distfiles/ff/x')).toEqual({ name: 'distfiles/x', slot: 256 });
    expect(memberOf('ab/x')).toEqual({ name: 'x', slot: 172 });
    for (const alone of ['', 'ab', 'distfiles/ab/', 'distfiles/AB/x', 'distfiles/abc/x', 'ab/x/', 'distfiles/a/x'])
      expect(memberOf(alone), alone).toEqual({ name: alone, slot: 0 });
  });

  it('gives every member its own path back', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^([a-z0-9%]{1,5}\/){0,3}[a-z0-9%.]{1,9}$/),
        fc.integer({ min: 1, max: 256 }),
        (name, slot) => {
          fc.pre(memberOf(name).slot === 0);
          expect(memberOf(memberPath(name, slot))).toEqual({ name, slot });
        },
      ),
    );
  });
});

describe('a bucket', () => {
  const flat = entryOf('distfiles/x', 1, { aliasSlot: 172 });
  const target = entryOf('distfiles/ab/x', 2);
  const leadsTo = (text: string | undefined) => findInBucket(text ?? '', flat.pathHash, 0);
  const bucketOf = (stranger: Entry) => packBuckets([flat, target, stranger], 1, '0')?.keys[0]?.[1];

  it('tells where a flat name leads', () => {
    const text = bucketOf(entryOf('distfiles/y', 3));
    expect(text?.charAt(0)).toBe('4');
    expect(leadsTo(text)).toEqual({ classId: 1, lacksSlash: false, aliasSlot: 172, aliasClassId: 2 });
    expect(findInBucket(text ?? '', flat.pathHash, 172)).toMatchObject({ classId: 2, aliasSlot: 0 });
    expect(findInBucket(text ?? '', flat.pathHash, 171)).toBeNull();
  });

  it('takes wider records where a stranger lies between by chance', () => {
    const stranger = { ...entryOf('distfiles/y', 3), pathHash: flat.pathHash + fingerprintSpace(4, 3) + 5 };
    const text = bucketOf(stranger);
    expect(text?.charAt(0)).toBe('5');
    expect(leadsTo(text)).toMatchObject({ aliasSlot: 172, aliasClassId: 2 });
  });

  it('gives the alias up where a namesake lies between, whatever the width', () => {
    const text = bucketOf(entryOf('distfiles/12/x', 3));
    expect(leadsTo(text)).toEqual({ classId: 1, lacksSlash: false, aliasSlot: 0, aliasClassId: 0 });
    expect(findInBucket(text ?? '', flat.pathHash, 172)).toMatchObject({ classId: 2 });
    expect(findInBucket(text ?? '', flat.pathHash, 0x12 + 1)).toMatchObject({ classId: 3 });
  });
});

describe('a flat name', () => {
  const names = Array.from({ length: 300 }, (_, i) => `pkg-${i}%2B.tar.xz`);
  const inventory = distfilesOf(names);
  const count = inventory.paths.length;
  const isLink = (id: number) => id % 2 === 1;
  const evidence = (['https', 'http'] as const).flatMap((protocol) => [
    evidenceOf(count, { host: 'de.example.org', country: 'DE', protocol, holds: (id) => !isLink(id) && id % 10 < 6 }),
    evidenceOf(count, { host: 'fr.example.org', country: 'FR', protocol, holds: (id) => id % 10 < 8 }),
    // No file at all: a link that leads nowhere there is never proven.
    evidenceOf(count, { host: 'jp.example.org', country: 'JP', protocol, holds: (id) => !isLink(id) }),
  ]);
  const maps = mapsOf(inventory, evidence);
  const path = (id: number) => inventory.paths[id] as string;

  it('is answered with its target at the nearest mirror that has that, and else with itself', () => {
    for (let id = 1; id < count; id += 2) {
      const { headers, reads } = ask(maps, path(id));
      // As far as each goes: the target nearby, the link in the next country, the target in Japan.
      const digit = (id - 1) % 10;
      const expected =
        digit < 6
          ? `de.example.org/gentoo/${path(id - 1)}`
          : id % 10 < 8
            ? `fr.example.org/gentoo/${path(id)}`
            : `jp.example.org/gentoo/${path(id - 1)}`;
      expect(headers['location']).toBe(`https://${expected}`);
      expect(reads).toBe(3);
      expect(ask(maps, path(id - 1)).headers['location']).toContain(path(id - 1));
    }
  });

  it('names each mirror’s own path in Link, in the list and in the metalink', () => {
    const urls = [`https://de.example.org/gentoo/${path(0)}`, `https://fr.example.org/gentoo/${path(1)}`];
    expect(ask(maps, path(1)).headers['link']).toContain(`<${urls[1]}>; rel=duplicate; pri=2`);
    expect(ask(maps, path(1), { list: 'mirrorlist' }).body).toContain(`${urls.join('\n')}\n`);
    const { body } = ask(maps, path(1), { list: 'meta4' });
    for (const url of urls) expect(body).toContain(`>${url}</url>`);
    expect(body).toContain('<file name="pkg-0%2B.tar.xz">'.replace('%2B', '+'));
  });

  it('is found far away by its target, with four reads', () => {
    const nine = ['DE', 'DE', 'DE', 'DE', 'DE', 'DE', 'DE'].map((country, n) =>
      evidenceOf(count, { host: `de${n}.example.org`, country, protocol: 'https', holds: (id) => id < 4 }),
    );
    const far = evidenceOf(count, {
      host: 'nz.example.org',
      country: 'NZ',
      protocol: 'https',
      holds: (id) => !isLink(id),
    });
    const { headers, reads } = ask(mapsOf(inventory, [...nine, far]), path(9));
    expect(headers['location']).toBe(`https://nz.example.org/gentoo/${path(8)}`);
    expect(reads).toBe(4);
  });

  it('stays its own where no folder is to have aliases, or another one', () => {
    for (const aliases of [[], ['snapshots/', 'distfiles/local/']]) {
      const without = mapsOf(inventory, evidence, null, NOW_MS, { ...RULES, aliases });
      expect(without.aliased.every((one) => one === 0)).toBe(true);
      expect(ask(without, path(1)).headers['location']).toBe(`https://fr.example.org/gentoo/${path(1)}`);
      expect(ask(without, path(9)).headers['x-redirector']).toMatch(/^fallback: unknown object/);
    }
  });

  it('is never answered with a namesake that is not what its link leads to', () => {
    const lines = [
      'distfiles/ab/x',
      'distfiles/cd/x',
      'distfiles/x -> cd/x',
      'distfiles/ab/y',
      'distfiles/y',
      'distfiles/z -> y',
    ];
    const mixed = inventoryOf(lines);
    const some = [
      evidenceOf(6, {
        host: 'de.example.org',
        country: 'DE',
        protocol: 'https',
        holds: (id) => id === 0 || id === 3 || id === 4,
      }),
      evidenceOf(6, { host: 'fr.example.org', country: 'FR', protocol: 'https', holds: (id) => id === 1 || id === 2 }),
    ];
    const made = mapsOf(mixed, some);
    // `ab/x` stands before `cd/x` in the bucket; `y` is a file; `z` leads to no namesake.
    expect(ask(made, 'distfiles/x').headers['location']).toBe('https://fr.example.org/gentoo/distfiles/x');
    expect(ask(made, 'distfiles/y').headers['location']).toBe('https://de.example.org/gentoo/distfiles/y');
    expect(ask(made, 'distfiles/z').headers['location']).toBe(`${FALLBACK}distfiles/z`);
  });

  it('is only ever answered with what its mirror holds, in a whole fleet', () => {
    const many = distfilesOf(Array.from({ length: 3000 }, (_, i) => `made-${i}.tar.xz`));
    const fleet = fleetEvidence(many.paths.length, 40, 2, (mirror, id) => mirror % 3 === 0 && id % 2 === 1);
    const points = new Map(fleet.map((one) => [one.accessPoint.url, one]));
    const ids = new Map(many.paths.map((one, id) => [one, id]));
    const made = mapsOf(many, fleet);
    const tables: Tables = Object.create(null);
    for (const [key, value] of made.keys) tables[key] = value;
    let aliased = 0;
    const wrong: string[] = [];
    for (let id = 1; id < many.paths.length; id += 2) {
      for (const country of ['DE', 'US', 'CN', 'NZ']) {
        const viewer = { ip: `10.${id % 250}.1.1`, country, subdivision: '', forwardedProto: 'https' };
        const request = readRequest({ method: 'GET', uri: `/${many.paths[id]}`, query: {}, ...viewer }, sha256);
        const decision = decide(request, tables, NOW_MS / 1000, FALLBACK);
        if (decision.kind !== 'redirect') continue;
        for (const { root, isAlias } of decision.holders) {
          const named = ids.get(isAlias ? decision.aliasPath : decision.path) as number;
          if (isAlias) aliased++;
          const isHeld = points.get(`https://${root}`)?.presence[named] === Outcome.present;
          if (!isHeld || many.leadsTo[named] !== many.leadsTo[id]) wrong.push(`${many.paths[id]} at ${root}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(aliased).toBeGreaterThan(2000);
  });
});
