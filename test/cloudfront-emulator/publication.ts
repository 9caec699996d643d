import { isDeepStrictEqual } from 'node:util';
import type { ObjectTable } from '../../core/formats/map-file.ts';
import type { FunctionEvent, FunctionResponse } from '../../core/function-event.ts';
import { Outcome } from '../../core/observations.ts';
import { silentProgress } from '../../core/progress.ts';
import { loadBuiltFunction } from '../../edge-shim/built-function.ts';
import type { Evidence } from '../../generator/maps/evidence.ts';
import type { KnownState } from '../../generator/publish/cloudfront/state-file.ts';
import { type CloudFrontOptions, cloudFrontTarget } from '../../generator/publish/cloudfront/target.ts';
import type { EdgeContent, EdgeTarget, GoldenEvent, PublishContext } from '../../generator/publish/contract.ts';
import { fleetEvidence } from '../fleet.ts';
import { inventoryOf, mapsOf } from '../small-build.ts';
import { seeded } from '../synthetic.ts';
import { FakeClock } from './clock.ts';
import { CloudFrontEmulator, type Fault, type LoggedCall } from './emulator.ts';

export const STORE = 'redirector';
export const FUNCTION = 'redirector';

export const CLIENT = {
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  maxAttempts: 1,
  timeoutMs: 10_000,
};

/** A build as it is published, with what is true of it. */
export interface TestBuild {
  readonly names: readonly string[];
  readonly content: EdgeContent;
  readonly table: ObjectTable;
  /** By `<scheme>://<root>`. */
  readonly points: ReadonlyMap<string, Evidence>;
}

export function testBuild(
  names: readonly string[],
  evidence: readonly Evidence[],
  functionCode: string,
  previous: TestBuild | null = null,
  nowMs = Date.now(),
): TestBuild {
  const { keys, table } = mapsOf(inventoryOf(names), evidence, previous?.table ?? null, nowMs);
  return {
    names,
    content: { releaseId: `release-${nowMs}`, keys: new Map(keys), functionCode },
    table,
    points: new Map(evidence.map((one) => [one.accessPoint.url, one])),
  };
}

export const context: PublishContext = { progress: silentProgress, signal: new AbortController().signal };

/** A target over the emulator. Without a memory each one knows nothing of those before. */
export function targetOver(
  emulator: CloudFrontEmulator,
  clock: FakeClock,
  over: Partial<CloudFrontOptions> & { memory?: { state: KnownState | null } } = {},
): EdgeTarget {
  const { memory = { state: null }, ...options } = over;
  return cloudFrontTarget({
    name: 'edge',
    store: STORE,
    function: FUNCTION,
    distribution: null,
    invalidation: 'paths',
    client: { ...CLIENT, endpoint: emulator.endpoint },
    clock,
    keeper: {
      read: () => memory.state,
      write(state) {
        memory.state = state;
      },
    },
    ...options,
  });
}

/** A whole publication, in the order of the contract. */
export async function publishAll(target: EdgeTarget, { content, names }: TestBuild): Promise<void> {
  try {
    await target.plan(content, context);
    await target.publishKeys(content, context);
    await target.publishFunction(content, await goldenOf(content, names), context);
    await target.invalidate(['site/index.html'], content.releaseId, context);
    await target.sweepKeys(content, context);
  } finally {
    await target.close();
  }
}

/** Some requests, and how the function answers them over the very keys. */
export async function goldenOf({ keys, functionCode }: EdgeContent, names: readonly string[]): Promise<GoldenEvent[]> {
  const run = loadBuiltFunction(functionCode, keys, 'function.js');
  const events = [0, 1].map((n) => eventFor(names[n] as string, seeded(n)));
  return Promise.all(events.map(async (event, n) => ({ name: `object ${n}`, event, expected: await run(event) })));
}

const COUNTRIES = ['DE', 'US', 'BR', 'RU', 'CN', 'IN', 'FR', 'ZA', 'NZ', 'LI', 'TO', ''];

/** A viewer somewhere who asks for a path. */
export function eventFor(path: string, random: () => number): FunctionEvent {
  const country = COUNTRIES[Math.floor(random() * COUNTRIES.length)] as string;
  const scheme = random() < 0.7 ? 'https' : 'http';
  const ip = `${1 + Math.floor(random() * 220)}.${Math.floor(random() * 250)}.1.1`;
  const headers = { 'cloudfront-forwarded-proto': { value: scheme } };
  return {
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip },
    request: {
      method: 'GET',
      uri: `/${path}`,
      querystring: {},
      headers: country === '' ? headers : { ...headers, 'cloudfront-viewer-country': { value: country } },
      cookies: {},
    },
  };
}

/**
 * What is wrong with an answer to a viewer who may see keys of any of the builds; null = nothing. A redirect must lead
 * to whom one of them knows to hold the object and one knows to be up, or to a fallback.
 */
export function faultOf(
  answer: FunctionResponse | null,
  event: FunctionEvent,
  id: number,
  builds: readonly TestBuild[],
  fallbacks: readonly string[],
): string | null {
  if (answer === null) return null;
  const path = event.request.uri.slice(1);
  const location = answer.headers['location']?.value ?? '';
  if (answer.statusCode !== 302) return `status ${answer.statusCode}`;
  if (fallbacks.some((fallback) => location === fallback + path)) return null;
  if (!location.endsWith(path)) return `${path} → ${location}`;
  const url = location.slice(0, location.length - path.length);
  const isHeld = builds.some((build) => build.points.get(url)?.presence[id] === Outcome.present);
  const isUp = builds.some((build) => build.points.get(url)?.liveness.state === 'up');
  return isHeld && isUp ? null : `${path} → ${url}, which ${isHeld ? 'is down' : 'lacks it'}`;
}

export const FALLBACKS = ['https://fallback.example.org/', 'https://other.example.org/'] as const;
const NAMES = Array.from({ length: 900 }, (_, i) => `distfiles/${(i * 7) & 255}/made-up-${i}%2B.tar.xz`);

/** The first `count` of the objects as some mirrors hold them; which of them differ, and are down, is the seed's. */
export function fleetBuild(
  count: number,
  seed: number,
  functionCode: string,
  previous: TestBuild | null = null,
  isIn: (accessPoint: number) => boolean = () => true,
  names: readonly string[] = NAMES,
): TestBuild {
  const random = seeded(seed);
  const evidence = fleetEvidence(names.length, 40).map((one, n) => {
    const presence = one.presence.slice(0, count);
    if (n % 40 === seed) presence.fill(Outcome.present);
    if (n % 40 === 20 + seed) presence.fill(Outcome.absent, Math.floor(count * 0.1), Math.floor(count * 0.15));
    return { ...one, presence, liveness: random() < 0.1 ? downSince(0) : one.liveness };
  });
  const some = evidence.filter((_, n) => isIn(n));
  return testBuild(names.slice(0, count), some, functionCode, previous, Date.now() + seed);
}

export function downSince(sinceS: number): Evidence['liveness'] {
  return { state: 'down', sinceS, checkedAtS: sinceS, reason: 'refused' };
}

/** An emulator and its clock. */
export interface Scene {
  readonly clock: FakeClock;
  readonly emulator: CloudFrontEmulator;
}

export async function openScene(): Promise<Scene> {
  const clock = new FakeClock(Date.now());
  return { clock, emulator: await CloudFrontEmulator.start({ clock }) };
}

/** Asks for every object, or for those with `ids`, at two edges in turn, while what was published spreads; answers what was wrong. */
export async function faultsWhileSpreading(
  scene: Scene,
  builds: readonly TestBuild[],
  ids?: readonly number[],
): Promise<string[]> {
  const found: string[] = [];
  for (const [i, waitMs] of [0, 8_000, 15_000, 20_000, 30_000].entries()) {
    scene.clock.advance(waitMs);
    found.push(...(await faultsAt(scene, i % 2 === 0 ? 'FRA' : 'GRU', builds, ids)));
  }
  return found;
}

/** Asks for every object, or for those with `ids`, at one edge now; answers what was wrong. */
export async function faultsAt(
  { emulator }: Scene,
  place: string,
  builds: readonly TestBuild[],
  ids?: readonly number[],
): Promise<string[]> {
  const edge = emulator.edge(place);
  const random = seeded(5);
  const found: string[] = [];
  const names = builds.at(-1)?.names ?? [];
  for (const id of ids ?? names.keys()) {
    const event = eventFor(names[id] as string, random);
    const fault = faultOf(await edge.answer(FUNCTION, event), event, id, builds, FALLBACKS);
    if (fault !== null) found.push(`${place}: ${fault}`);
  }
  return found;
}

/** Whether, once all has spread, the edge answers every object as the function does over the very keys. */
export async function isPublished({ emulator, clock }: Scene, { content, names: all }: TestBuild): Promise<boolean> {
  const stored = emulator.account.store(STORE).items;
  if ([...content.keys].some(([key, value]) => stored.get(key) !== value)) return false;
  clock.advance(60_000);
  const edge = emulator.edge('SYD');
  const run = loadBuiltFunction(content.functionCode, content.keys, 'function.js');
  const random = seeded(6);
  for (const name of all) {
    const event = eventFor(name, random);
    if (!isDeepStrictEqual(await edge.answer(FUNCTION, event), await run(event))) return false;
  }
  return true;
}

/**
 * Publishes until the n-th call (of those that count), at which the line is cut for good. Answers whether it came that
 * far.
 */
export async function cutAt(
  { emulator, clock }: Scene,
  n: number,
  how: Fault,
  build: TestBuild,
  counts: (call: LoggedCall) => boolean = () => true,
): Promise<boolean> {
  let calls = 0;
  emulator.fault = (call) => {
    if (counts(call) || calls >= n) calls++;
    return calls === n ? how : calls > n ? 'cutBefore' : null;
  };
  const wasCut = await publishAll(targetOver(emulator, clock), build).then(
    () => false,
    () => true,
  );
  emulator.fault = () => null;
  return wasCut;
}
