import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { planKeys } from '../generator/publish/cloudfront/key-plan.ts';
import { costUsd } from '../generator/publish/cloudfront/limits.ts';
import { writeState } from '../generator/publish/cloudfront/state-file.ts';
import { FakeClock } from '../test/cloudfront-emulator/clock.ts';
import { CloudFrontEmulator } from '../test/cloudfront-emulator/emulator.ts';
import { DURATIONS } from '../test/cloudfront-emulator/quotas.ts';
import { FALLBACK, type mapsOf } from '../test/small-build.ts';
import { classIdsTable } from './class-ids.ts';
import { measure, median, row, TABLE_HEAD } from './measure.ts';
import { byHour, type Change, HOUR_S, MovingTree, readChanges } from './moving-tree.ts';
import type { BenchTree } from './tree.ts';

type Build = ReturnType<typeof mapsOf>;

interface Scenario {
  readonly label: string;
  readonly before: Build | null;
  readonly after: Build;
  /** Distfiles that came to the master, or went, in the time between. */
  readonly changes: number;
}

const CHILD = fileURLToPath(new URL('./keys.child.ts', import.meta.url));

/** What a publication to the edge takes: keys, calls, dollars, and time against the emulator of the APIs. */
export async function benchKeys(_: BenchTree, folder: string, rounds: number): Promise<string> {
  const { changes, from } = readChanges();
  const scenarios = scenariosOf(changes);
  const clock = new FakeClock(Date.now());
  const emulator = await CloudFrontEmulator.start({ clock });
  try {
    const code = await bundleFunction(FALLBACK);
    const commands = scenarios.map((scenario, i) => ({
      label: scenario.label,
      argv: commandOf(join(folder, `keys-${i}`), scenario.after, code, emulator.endpoint),
      steps: 0,
      prepare: () => restore(emulator, clock, join(folder, `keys-${i}`), scenario.before, code),
    }));
    const figures = await measure(commands, rounds);
    return [
      `### Publishing to CloudFront: 149,000 objects, 165 mirrors, ${from}`,
      '',
      '| what happened | distfiles that came or went | objects whose holders changed | keys put | deleted | put for 100 objects | calls | price |',
      '|---|--:|--:|--:|--:|--:|--:|--:|',
      ...scenarios.map(keyRow),
      '',
      TABLE_HEAD,
      ...figures.map(row),
      '',
      'Against the emulator on the same machine, which answers at once: over a network each call takes a round trip more.',
      '',
      hoursLine(changes),
      '',
      classIdsTable(changes),
    ].join('\n');
  } finally {
    await emulator.close();
  }
}

/** Builds before and after hours as busy as most, as one in twenty, and as one with a hundred changes. */
function scenariosOf(changes: readonly Change[]): Scenario[] {
  const hours = [...byHour(changes)].slice(48).sort(([, a], [, b]) => a.length - b.length);
  const at = (share: number) => hours[Math.floor(hours.length * share)] as [number, Change[]];
  const hundred = hours.find(([, some]) => some.length >= 50) ?? at(0.99);
  const scenarios: Scenario[] = [];
  const labels = [
    'a typical hour (median of those with changes)',
    'a busy hour (1 in 20)',
    'an hour of 50 distfiles and more',
  ];
  for (const [i, [hourS, some]] of [at(0.5), at(0.95), hundred].entries()) {
    const tree = new MovingTree(changes, hourS);
    const before = tree.build(hourS, null);
    const after = tree.build(hourS + HOUR_S, before);
    if (i === 0) {
      const withoutOne = tree.build(hourS, before, tree.mirrors[0] as string);
      scenarios.push({ label: 'the first publication', before: null, after: before, changes: 0 });
      scenarios.push({ label: 'a mirror dies', before, after: withoutOne, changes: 0 });
    }
    scenarios.push({ label: labels[i] as string, before, after, changes: some.length });
  }
  return scenarios;
}

function keyRow({ label, before, after, changes }: Scenario): string {
  const plan = planKeys(new Map(before?.keys ?? []), new Map(after.keys));
  const moved = before === null ? after.table.paths.length : movedOf(before, after);
  const put = plan.added + plan.changed;
  const calls = plan.puts.length + Math.ceil(plan.removed.length / 50);
  const each = moved === 0 ? '' : Math.round((put / moved) * 100).toString();
  const count = (n: number) => n.toLocaleString('en');
  return `| ${label} | ${count(changes)} | ${count(moved)} | ${count(put)} | ${plan.removed.length} | ${each} | ${calls} | $${costUsd(calls).toFixed(3)} |`;
}

/** Class ids keep their meaning within an epoch. */
function movedOf(before: Build, after: Build): number {
  return after.table.classOf.reduce((sum, id, i) => sum + (id === (before.table.classOf[i] ?? 0) ? 0 : 1), 0);
}

function commandOf(folder: string, after: Build, code: string, endpoint: string): [string, ...string[]] {
  mkdirSync(folder, { recursive: true });
  const [keys, fn] = [join(folder, 'kvs.json'), join(folder, 'function.js')];
  writeFileSync(keys, JSON.stringify({ data: after.keys.map(([key, value]) => ({ key, value })) }));
  writeFileSync(fn, code);
  return [process.execPath, '--import', 'tsx', CHILD, endpoint, keys, fn, join(folder, 'state.msgpack')];
}

/** The store and the function as the publication before left them, and what is remembered of it. */
function restore(
  emulator: CloudFrontEmulator,
  clock: FakeClock,
  folder: string,
  before: Build | null,
  code: string,
): void {
  const { account } = emulator;
  account.functions.clear();
  account.stores.clear();
  const store = account.createStore('redirector', '', clock.nowMs());
  clock.advance(DURATIONS.provisioningMs);
  const state = join(folder, 'state.msgpack');
  rmSync(state, { force: true });
  if (before === null) return;
  for (let i = 0; i < before.keys.length; i += 50) {
    const puts = before.keys.slice(i, i + 50).map(([Key, Value]) => ({ Key, Value }));
    store.update({ puts, deletes: [] }, store.etag, clock.nowMs());
  }
  writeState(state, {
    arn: store.arn,
    etag: store.etag,
    keys: new Map(before.keys),
    writtenAtMs: 0,
    unwantedSinceMs: new Map(),
  });
  const draft = { code: Buffer.from(code), comment: '', runtime: 'cloudfront-js-2.0', storeArns: [store.arn] };
  const { development } = account.createFunction('redirector', draft, clock.nowMs());
  account.publishFunction('redirector', development.etag, clock.nowMs());
}

function hoursLine(changes: readonly Change[]): string {
  const counts = [...byHour(changes).values()].map(({ length }) => length);
  const hours = (((changes.at(-1)?.atS ?? 0) - (changes[0]?.atS ?? 0)) / HOUR_S).toFixed(0);
  return `${changes.length.toLocaleString('en')} changes in ${Number(hours).toLocaleString('en')} hours, in ${counts.length.toLocaleString('en')} of which something changed; the median of those has ${median(counts)}, the busiest ${Math.max(...counts)}.`;
}
