import { describe, expect, it } from 'vitest';
import type { BuiltFunction, FunctionEvent, FunctionResponse } from '../../../core/function-event.ts';
import { Outcome } from '../../../core/observations.ts';
import type { Progress, Task } from '../../../core/progress.ts';
import { changedKeys, replayed } from '../../../test/replaying.ts';
import { distfilesOf, evidenceOf, inventoryOf, mapsOf } from '../../../test/small-build.ts';
import type { Evidence } from '../../maps/evidence.ts';

const COUNTRIES = ['DE', 'FR', 'US', 'JP'];
const HOSTS = COUNTRIES.map((country) => `${country.toLowerCase()}.example.org`);
/** By the mirrors that hold them; two of the links' sets are no file's. */
const FILES = [
  [1, 2, 3],
  [0, 2, 3],
  [0, 1, 3],
  [0, 1, 2],
  [0, 1, 2, 3],
] as const;
const LINKS = [[1, 2, 3], [0, 2, 3], [0, 1], [2], [0, 1, 2, 3]] as const;

const inventory = distfilesOf(Array.from({ length: 100 }, (_, i) => `b${i}.tar.xz`));
const setOf = (id: number): readonly number[] => {
  const name = id >> 1;
  return (id % 2 === 0 ? FILES[name % 5] : LINKS[Math.floor(name / 5) % 5]) as readonly number[];
};
const fleetOf = (count: number) =>
  (['https', 'http'] as const).flatMap((protocol) =>
    COUNTRIES.map((country, n) => {
      const host = HOSTS[n] as string;
      return evidenceOf(count, { host, country, protocol, holds: (id) => setOf(id).includes(n) });
    }),
  );
const evidence = fleetOf(inventory.paths.length);
const made = mapsOf(inventory, evidence);
/** Links that the mirror in the US alone has, while that in Germany lacks their files. */
const pair = [...inventory.paths.keys()].filter(
  (id) => id % 2 === 1 && setOf(id) === LINKS[3] && setOf(id - 1) === FILES[0],
);
const pairPaths = new Set(pair.map((id) => `/${inventory.paths[id]}`));

const text = ({ examples }: { readonly examples: readonly string[] }) => examples.join('\n');

/** A function that answers some requests in another way; the mirrors of the replay's own tables are left alone. */
function wrongFor(
  isMeant: (event: FunctionEvent) => boolean,
  change: (answer: FunctionResponse, event: FunctionEvent) => FunctionResponse,
): (right: BuiltFunction) => BuiltFunction {
  return (right) => async (event) => {
    const answer = await right(event);
    const isSpelled = event.request.headers['cloudfront-viewer-country']?.value.startsWith('X') === true;
    return isMeant(event) && !isSpelled ? change(answer, event) : answer;
  };
}

/** The same answer with another text in place of one. */
function replaced(answer: FunctionResponse, from: string, to: string): FunctionResponse {
  return JSON.parse(JSON.stringify(answer).replaceAll(from, to));
}

const isList = ({ request }: FunctionEvent) => request.querystring['mirrorlist'] !== undefined;
const isFrom = (country: string) => (event: FunctionEvent) =>
  event.request.headers['cloudfront-viewer-country']?.value === country;
const withoutFirst = (answer: FunctionResponse) => {
  const body = answer.body?.replace(/^https?:.*\n(?=https?:)/m, '') ?? '';
  return { ...answer, body };
};

describe('a replay of links and files that are missing at different mirrors', () => {
  it('is content, and asks no more for pairs of classes than for classes', async () => {
    const report = await replayed({ made, inventory, evidence });
    expect(report).toMatchObject({ wrong: 0, missed: 0, examples: [], classes: 7, pairs: 18 });
    const atTables = report.tables * (FILES.length + LINKS.length);
    // One or three look-ups of each object, two redirects, and eight answers to each viewer.
    expect(report.answers).toBeLessThan(atTables + report.objects * (3 + 2) + report.viewers * 8);
    expect(pair.length).toBeGreaterThan(0);
  });

  it('says almost from the beginning how many answers there will be', async () => {
    const tree = distfilesOf(Array.from({ length: 8000 }, (_, i) => `b${i}.tar.xz`));
    const truth = fleetOf(tree.paths.length);
    let done = 0;
    const totals: { done: number; total: number }[] = [];
    const task: Task = {
      advance: (steps) => {
        done += steps;
      },
      setTotal: (total) => totals.push({ done, total }),
      end: () => {},
    };
    const progress: Progress = { start: () => task, note: () => {} };
    const { answers } = await replayed({ made: mapsOf(tree, truth), inventory: tree, evidence: truth, progress });
    expect(done).toBe(answers);
    expect(totals.at(-1)?.total).toBe(answers);
    const early = totals.filter((one) => one.done > 0);
    expect(early[0]?.done).toBeLessThan(answers / 5);
    for (const { total } of early) expect(Math.abs(total / answers - 1)).toBeLessThan(0.1);
  });

  it('stops where one table claims too much for a class that is a link’s alone', async () => {
    const classId = made.table.classOf[pair[0] as number] as number;
    expect(made.table.classOf.filter((one, id) => one === classId && id % 2 === 0)).toHaveLength(0);
    const table = made.keys.find(([key]) => /^r.[A-Z]{2}s0$/.test(key))?.[0];
    const keys = changedKeys(
      made,
      (key) => key === table,
      (value) => {
        const at = value.lastIndexOf('\n') + 1 + classId;
        return `${value.slice(0, at)}o${value.slice(at + 1)}`;
      },
    );
    const report = await replayed({ made, inventory, evidence, keys });
    expect(text(report)).toMatch(/^\/distfiles\/b\d+\.tar\.xz: https:.* is not known to hold it/m);
  });

  it('stops where the function names the link to whoever has the file alone, for one pair of classes', async () => {
    const faulty = wrongFor(
      ({ request }) => pairPaths.has(request.uri),
      (answer, { request }) => replaced(answer, `/distfiles/${folderOf(request.uri)}/`, '/distfiles/'),
    );
    const report = await replayed({ made, inventory, evidence, faulty });
    expect(report.wrong).toBeGreaterThan(0);
    expect(text(report)).toContain('is answered otherwise than its class');
  });

  it('stops where the function forgets the file’s holders, for one pair of classes', async () => {
    const faulty = wrongFor(
      (event) => pairPaths.has(event.request.uri) && isList(event),
      (answer) => ({ ...answer, body: answer.body?.replace(/^https?:.*\/[0-9a-f]{2}\/b.*\n/gm, '') ?? '' }),
    );
    const report = await replayed({ made, inventory, evidence, faulty });
    expect(text(report)).toContain('is answered otherwise than its class');
    for (const example of report.examples) expect(pairPaths.has(example.split(' ')[0] as string), example).toBe(true);
  });

  it('stops where a redirect names the file to whoever has the link too, unlike the lists of its class', async () => {
    const hasBoth = (id: number) =>
      id % 2 === 1 && setOf(id) !== setOf(id - 1) && setOf(id - 1).includes(2) && setOf(id).includes(2);
    const paths = new Set([...inventory.paths.keys()].filter(hasBoth).map((id) => `/${inventory.paths[id]}`));
    const faulty = wrongFor(
      (event) => paths.has(event.request.uri) && !isList(event),
      (answer, { request: { uri } }) =>
        replaced(
          answer,
          `us.example.org/gentoo${uri}`,
          `us.example.org/gentoo/distfiles/${folderOf(uri)}${uri.slice(10)}`,
        ),
    );
    const report = await replayed({ made, inventory, evidence, faulty });
    expect(report.wrong).toBeGreaterThan(0);
    for (const example of report.examples)
      expect(example).toContain('is not what other objects of its class are answered');
  });

  it('stops where one link leads to a namesake', async () => {
    const lines = ['distfiles/12/x', 'distfiles/34/x', 'distfiles/x -> 34/x', 'distfiles/12/y', 'distfiles/y -> 12/y'];
    const named = inventoryOf(lines);
    const before = { ...named, leadsTo: named.leadsTo.with(2, 0) };
    const truth = COUNTRIES.map((country, n) => {
      const host = HOSTS[n] as string;
      return evidenceOf(lines.length, { host, country, protocol: 'https', holds: (id) => id !== 2 || n === 0 });
    });
    expect(await replayed({ made: mapsOf(before, truth), inventory: before, evidence: truth })).toMatchObject({
      wrong: 0,
    });
    const report = await replayed({ made: mapsOf(before, truth), inventory: named, evidence: truth });
    expect(text(report)).toContain('/distfiles/x: may be answered with "/distfiles/12/x", where it does not lead');
  });
});

function folderOf(flat: string): string {
  const name = flat.slice('/distfiles/'.length);
  return inventory.paths.find((path) => path.endsWith(`/${name}`) && path.length > flat.length)?.slice(10, 12) ?? '';
}

describe('a replay', () => {
  const names = ['', 'distfiles/', ...Array.from({ length: 60 }, (_, i) => `distfiles/a${i}.tar.xz`)];
  const tree = inventoryOf(names);
  const some = (['https', 'http'] as const).flatMap((protocol) =>
    COUNTRIES.map((country, n) => {
      const host = HOSTS[n] as string;
      return evidenceOf(names.length, {
        host,
        country,
        protocol,
        holds: (id) => id % 5 !== n,
        ipv4: n > 0,
        ipv6: true,
      });
    }),
  );
  const maps = mapsOf(tree, some);
  const over = (more: Partial<Parameters<typeof replayed>[0]>) =>
    replayed({ made: maps, inventory: tree, evidence: some, ...more });

  it('asks over both address families where a mirror has IPv6 alone, and is content', async () => {
    const report = await over({});
    expect(report).toMatchObject({ wrong: 0, examples: [] });
    expect(report.tables).toBe(2 * maps.keys.filter(([key]) => key.startsWith('r')).length);
  });

  it('stops where viewers over IPv6 alone are sent to a mirror that lacks an object', async () => {
    const truth = some.map((one, n): Evidence => {
      return n === 0 ? { ...one, presence: one.presence.with(17, Outcome.absent) } : one;
    });
    const report = await over({ evidence: truth });
    expect(text(report)).toContain(`/${names[17]}: https://de.example.org/gentoo/ is not known to hold it`);
  });

  it('stops where viewers in one country are told otherwise than others of their table', async () => {
    const faulty = wrongFor((event) => isFrom('NZ')(event) && isList(event), withoutFirst);
    expect(text(await over({ faulty }))).toContain('in NZ over ');
  });

  it('stops where a directory without its slash is looked up as another class', async () => {
    const faulty = (right: BuiltFunction) => async (event: FunctionEvent) => {
      const answer = await right(event);
      return event.request.uri === '/distfiles'
        ? { ...answer, body: answer.body?.replace(/class-\d+/, 'class-500') ?? '' }
        : answer;
    };
    expect(text(await over({ faulty }))).toContain('/distfiles/: is looked up as another class without its slash');
  });

  it('stops where a name that nobody has is sent to a mirror', async () => {
    const faulty = wrongFor(
      ({ request }) => request.uri.endsWith('no-such-object'),
      (answer) => replaced(answer, 'https://fallback.example.org/', 'https://fr.example.org/gentoo/'),
    );
    expect(text(await over({ faulty }))).toContain('is sent to a mirror, though nobody has it');
  });

  it('stops where one object’s redirect is the fallback, or to another holder than its list names', async () => {
    const path = `/${names[20]}`;
    const isMeant = (event: FunctionEvent) => event.request.uri === path && !isList(event);
    const location = (value: string) => (answer: FunctionResponse) => {
      return { ...answer, headers: { ...answer.headers, location: { value: value + path } } };
    };
    const fallback = await over({ faulty: wrongFor(isMeant, location('https://fallback.example.org')) });
    expect(text(fallback)).toContain('is sent to the fallback, other objects of its class are not');
    const lacking = await over({ faulty: wrongFor(isMeant, location('https://de.example.org/gentoo')) });
    expect(text(lacking)).toContain(`https://de.example.org/gentoo/ is not known to hold it`);
  });
});
