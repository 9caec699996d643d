import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuiltFunction, FunctionEvent } from '../core/function-event.ts';
import { loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { runNjs } from '../test/servers/njs.ts';
import { FALLBACK } from '../test/small-build.ts';
import { edgeBuild } from './edge-build.ts';
import { median } from './measure.ts';
import type { BenchTree } from './tree.ts';

const OBJECTS = 149_000;
const NJS_DECISIONS = 5_000;
const NODE_DECISIONS = 200_000;
/** Valgrind takes fifty times as long. */
const COUNTED_DECISIONS = 200;
/** The least that a function does: it lets the request through. */
const EMPTY = 'async function handler(event) { return event.request; }';

/** What one decision of the built function costs over built keys: time on njs and Node, instructions, memory. */
export async function benchDecide(_tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const built = await bundleFunction(FALLBACK);
  const { keys, table } = edgeBuild(OBJECTS);
  const store = new Map(keys);
  const rows: string[] = [];
  const kinds = await mixes(table.paths, loadBuiltFunction(built, store, 'function.js'));
  for (const [name, events] of Object.entries(kinds)) {
    const trial = { code: built, events, keys: await keysRead(built, store, events) };
    const onNode = await nodeMicroseconds(built, store, events, rounds);
    rows.push(await rowOf(name, trial, microseconds(onNode), folder, rounds));
  }
  const empty = { code: EMPTY, events: kinds['near'] as FunctionEvent[], keys: new Map<string, string>() };
  rows.push(await rowOf('an empty function', empty, '', folder, rounds));
  return [
    `### One decision of the built function, ${Buffer.byteLength(built).toLocaleString('en')} bytes, over the keys of ${OBJECTS.toLocaleString('en')} objects`,
    '',
    '| request | njs 0.7.9 | Node | instructions on njs | counted again | peak heap on njs |',
    '|---|--:|--:|--:|--:|--:|',
    ...rows,
    '',
    `Times are on the processor, of user and system. Times and instructions are those of ${NJS_DECISIONS.toLocaleString('en')} and ${COUNTED_DECISIONS} decisions more, so that start and parsing drop out; the heap is the whole process’s, with the function and the keys that it reads.`,
  ].join('\n');
}

/** Requests of several kinds, each over many objects and networks. Throws where they are not answered as they are meant to be. */
async function mixes(paths: readonly string[], run: BuiltFunction): Promise<Record<string, FunctionEvent[]>> {
  const many = (countries: readonly string[], uri: (i: number) => string, query = {}, count = 100) =>
    Array.from({ length: count }, (_, i): FunctionEvent => {
      const country = countries[i % countries.length] as string;
      return {
        version: '1.0',
        context: { eventType: 'viewer-request' },
        viewer: { ip: i % 2 === 0 ? `198.51.${i}.7` : `2001:db8:${i}:1::9` },
        request: {
          method: 'GET',
          uri: uri(i),
          querystring: query,
          cookies: {},
          headers: {
            'cloudfront-viewer-country': { value: country },
            'cloudfront-forwarded-proto': { value: 'https' },
          },
        },
      };
    });
  // Files have even ids, and the flat link to each is the next object.
  const file = (i: number) => `/${paths[(i * 1410) % paths.length]}`;
  const link = (i: number) => `/${paths[((i * 1410) % paths.length) + 1]}`;
  const isAnswered = async (event: FunctionEvent, path: (uri: string) => boolean) =>
    path((await run(event)).headers['location']?.value ?? '');
  const isNear = (event: FunctionEvent) => isAnswered(event, (url) => url.endsWith(`/gentoo${event.request.uri}`));
  const isAlias = (event: FunctionEvent) => isAnswered(event, (url) => /\/gentoo\/distfiles\/[0-9a-f]{2}\//.test(url));
  return {
    near: await chosen(many(['DE', 'US', 'BR', 'IN', 'KE'], file), isNear, 90),
    'near, by the target of a link': (await chosen(many(['DE', 'US', 'BR', 'IN'], link, {}, 4000), isAlias, 90)).slice(
      0,
      100,
    ),
    'not known': many(['DE', 'US'], (i) => `/no/such/object-${i}`),
    '?mirrorlist=json': many(['DE', 'US'], file, { mirrorlist: { value: 'json' } }),
  };
}

async function chosen(
  events: readonly FunctionEvent[],
  isMeant: (event: FunctionEvent) => Promise<boolean>,
  fewest: number,
): Promise<FunctionEvent[]> {
  const meant: FunctionEvent[] = [];
  for (const event of events) if (await isMeant(event)) meant.push(event);
  if (meant.length < fewest) throw new Error(`only ${meant.length} of ${events.length} are answered as meant`);
  return meant;
}

interface Trial {
  readonly code: string;
  readonly events: readonly FunctionEvent[];
  readonly keys: ReadonlyMap<string, string>;
}

async function rowOf(name: string, trial: Trial, onNode: string, folder: string, rounds: number): Promise<string> {
  const onNjs = await njsMicroseconds(trial, rounds);
  const counts = [await instructions(trial, folder), await instructions(trial, folder)] as const;
  const heap = `${Math.round((await peakHeap(trial, folder)) / 1000).toLocaleString('en')} kB`;
  const shown = counts.map((count) => Math.round(count).toLocaleString('en'));
  return `| ${[name, microseconds(onNjs), onNode, ...shown, heap].join(' | ')} |`;
}

/** The keys that the events read: no more need to be parsed under valgrind. */
async function keysRead(code: string, store: ReadonlyMap<string, string>, events: readonly FunctionEvent[]) {
  const read = new Map<string, string>();
  const recording = new Map(store);
  recording.get = (key) => {
    const value = store.get(key);
    if (value !== undefined) read.set(key, value);
    return value;
  };
  const run = loadBuiltFunction(code, recording, 'function.js');
  for (const event of events) await run(event);
  return read;
}

async function nodeMicroseconds(
  code: string,
  store: ReadonlyMap<string, string>,
  events: readonly FunctionEvent[],
  rounds: number,
): Promise<number[]> {
  const run = loadBuiltFunction(code, store, 'function.js');
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < NODE_DECISIONS; i++) await run(events[i % events.length] as FunctionEvent);
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) times.push((user + system) / NODE_DECISIONS);
  }
  return times;
}

async function njsMicroseconds(trial: Trial, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const once = await cpuSeconds(trial, NJS_DECISIONS);
    const twice = await cpuSeconds(trial, 2 * NJS_DECISIONS);
    times.push(((twice - once) * 1_000_000) / NJS_DECISIONS);
  }
  return times;
}

/** A process' own time on a processor, user and system. */
async function cpuSeconds(trial: Trial, decisions: number): Promise<number> {
  const timed = ['bash', '-c', 'TIMEFORMAT="%U %S"; { time "$@"; } 2>&1', 'bash'];
  const printed = await decideOnNjs(trial, decisions, timed);
  const [user = '', system = ''] = (printed.trim().split('\n').at(-1) as string).split(' ');
  return Number(user) + Number(system);
}

/** Instructions of a decision, by callgrind. */
async function instructions(trial: Trial, folder: string): Promise<number> {
  const counts: number[] = [];
  for (const decisions of [COUNTED_DECISIONS, 2 * COUNTED_DECISIONS]) {
    const file = join(folder, 'callgrind.out');
    await decideOnNjs(trial, decisions, ['valgrind', '-q', '--tool=callgrind', `--callgrind-out-file=${file}`]);
    counts.push(Number(/^(?:summary|totals): (\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]));
  }
  return ((counts[1] as number) - (counts[0] as number)) / COUNTED_DECISIONS;
}

/** The most memory of a process that decides once, in bytes, by massif. */
async function peakHeap(trial: Trial, folder: string): Promise<number> {
  const file = join(folder, 'massif.out');
  const one = { ...trial, events: trial.events.slice(0, 1) };
  const keys = trial.keys.size === 0 ? trial.keys : await keysRead(trial.code, trial.keys, one.events);
  await decideOnNjs({ ...one, keys }, 1, ['valgrind', '-q', '--tool=massif', `--massif-out-file=${file}`]);
  return Math.max(...[...readFileSync(file, 'utf8').matchAll(/^mem_heap_B=(\d+)/gm)].map(([, bytes]) => Number(bytes)));
}

function decideOnNjs({ code, events, keys }: Trial, decisions: number, under: readonly string[] = []): Promise<string> {
  const cloudfront = `const keys = ${JSON.stringify(Object.fromEntries(keys))};
    export default { kvs: function () { return { get: async function (key) {
      if (keys[key] === undefined) { throw new Error('KeyNotFound'); } return keys[key]; } }; } };`;
  const main = `${code}
    const events = JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8'));
    async function all() { for (let i = 0; i < ${decisions}; i++) { await handler(events[i % events.length]); } }
    all();`;
  return runNjs({ code: main, modules: { cloudfront }, input: JSON.stringify(events), under, timeoutMs: 600_000 });
}

function microseconds(times: readonly number[]): string {
  return `${median(times).toFixed(1)} µs (${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)})`;
}
