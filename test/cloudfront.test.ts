import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadBuiltFunction } from '../edge-shim/built-function.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { answersOnNjs } from '../edge-shim/function-on-njs.ts';
import {
  CLIENT,
  context,
  cutAt,
  downSince,
  eventFor,
  FALLBACKS,
  FUNCTION,
  faultsWhileSpreading,
  fleetBuild,
  isPublished,
  openScene,
  publishAll,
  type Scene,
  STORE,
  type TestBuild,
  targetOver,
  testBuild,
} from './cloudfront-emulator/publication.ts';
import { ServiceError } from './cloudfront-emulator/service-error.ts';
import { requires } from './debian-packages.ts';
import { seeded } from './synthetic.ts';

const isIn = (accessPoint: number) => accessPoint % 12 === 0;
let codes: readonly [string, string];
let first: TestBuild;
let hourLater: TestBuild;
let newEpoch: TestBuild;
beforeAll(async () => {
  codes = [await bundleFunction(FALLBACKS[0]), await bundleFunction(FALLBACKS[1])];
  first = fleetBuild(450, 1, codes[0], null, isIn);
  hourLater = fleetBuild(500, 2, codes[1], first, isIn);
  // As many objects as its buckets have no room for begin a new epoch.
  newEpoch = fleetBuild(500, 3, codes[0], { ...first, table: { ...first.table, bucketCount: 1 } }, isIn);
});

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.emulator.close());

const dataCalls = () => scene.emulator.calls.filter(({ plane }) => plane === 'data').map(({ action }) => action);
const stored = () => scene.emulator.account.store(STORE).items;
const publish = (build: TestBuild, memory?: { state: null }) =>
  publishAll(targetOver(scene.emulator, scene.clock, memory === undefined ? {} : { memory }), build);

describe('a publication', () => {
  it('creates store and function, and every edge answers as the function does over the keys', async () => {
    await publish(first);
    expect(await isPublished(scene, first)).toBe(true);
    expect(scene.emulator.calls.map(({ action }) => action)).toContain('CreateKeyValueStore');
    const { live } = scene.emulator.account.function(FUNCTION);
    expect(live?.code.toString()).toBe(codes[0]);
    expect(live?.storeArn).toBe(scene.emulator.account.store(STORE).arn);
  });

  it('writes the difference alone', async () => {
    const memory = { state: null };
    await publish(first, memory);
    scene.emulator.calls.length = 0;
    await publish(hourLater, memory);
    const changed = [...hourLater.content.keys].filter(([key, value]) => first.content.keys.get(key) !== value);
    expect(changed.length).toBeGreaterThan(100);
    expect(dataCalls()).toEqual(Array(Math.ceil(changed.length / 50)).fill('UpdateKeys'));
    expect(await isPublished(scene, hourLater)).toBe(true);
  });

  it('of liveness alone is one call', async () => {
    const memory = { state: null };
    await publish(first, memory);
    const nowMs = Date.now();
    const some = [...first.points.values()].map((one, n) =>
      n === 0 ? { ...one, liveness: downSince(nowMs / 1000) } : one,
    );
    const dead = testBuild(first.names, some, codes[0], first, nowMs);
    scene.emulator.calls.length = 0;
    await publish(dead, memory);
    expect(dataCalls()).toEqual(['UpdateKeys']);
    expect(await isPublished(scene, dead)).toBe(true);
  });

  it('of what is there already changes nothing', async () => {
    const memory = { state: null };
    await publish(first, memory);
    scene.emulator.calls.length = 0;
    await publish(first, memory);
    expect(dataCalls()).toEqual(['DescribeKeyValueStore']);
    expect(scene.emulator.calls.map(({ action }) => action)).not.toContain('PublishFunction');
  });

  it('without a memory reads the store in pages first', async () => {
    await publish(first);
    scene.emulator.calls.length = 0;
    await publish(hourLater);
    expect(dataCalls().filter((action) => action === 'ListKeys')).toHaveLength(Math.ceil(first.content.keys.size / 50));
    expect(await isPublished(scene, hourLater)).toBe(true);
  });

  it('of a new epoch points to it only when every edge has its keys, beside the old ones', async () => {
    await publish(first);
    expect(newEpoch.table.epoch).not.toBe(first.table.epoch);
    const target = targetOver(scene.emulator, scene.clock);
    const before = scene.clock.nowMs();
    await target.publishKeys(newEpoch.content, context);
    expect(scene.clock.nowMs() - before).toBeGreaterThanOrEqual(180_000);
    // Both epochs are there: whoever still has the old pointer finds everything.
    for (const key of first.content.keys.keys()) expect(stored().has(key)).toBe(true);
    expect(await faultsWhileSpreading(scene, [first, newEpoch])).toEqual([]);
    await target.close();
    await publish(newEpoch);
    expect(await isPublished(scene, newEpoch)).toBe(true);
  });

  it('deletes old keys late: at the first publication after no edge can be led to them', async () => {
    const memory = { state: null };
    const old = [...first.content.keys.keys()].filter((key) => !newEpoch.content.keys.has(key));
    await publish(first, memory);
    await publish(newEpoch, memory);
    for (const key of old) expect(stored().has(key)).toBe(true);
    scene.clock.advance(170_000);
    await publish(newEpoch, memory);
    expect(stored().has(old[0] as string)).toBe(true);
    scene.clock.advance(10_000);
    await publish(newEpoch, memory);
    expect(new Map(stored())).toEqual(newEpoch.content.keys);
    expect(await isPublished(scene, newEpoch)).toBe(true);
  });

  it('deletes them without delay once they fill the store, after a wait', async () => {
    const filled = { ...first, content: { ...first.content, keys: new Map(first.content.keys) } };
    const filling = Array.from(
      { length: 2_500 },
      (_, i) => [`${first.table.epoch}${(1e6 + i).toString(36)}`, 'v'.repeat(1_000)] as const,
    );
    for (const [key, value] of filling) filled.content.keys.set(key, value);
    await publish(filled);
    const beforeMs = scene.clock.nowMs();
    await publish(first);
    expect(scene.clock.nowMs() - beforeMs).toBeGreaterThanOrEqual(180_000);
    expect(new Map(stored())).toEqual(first.content.keys);
  });

  it('goes back to an older release', async () => {
    await publish(first);
    await publish(hourLater);
    await publish(first);
    expect(await isPublished(scene, first)).toBe(true);
  });

  it('goes on when somebody else writes meanwhile', async () => {
    await publish(first);
    const store = scene.emulator.account.store(STORE);
    let isFirst = true;
    scene.emulator.fault = ({ action }) => {
      if (action !== 'UpdateKeys' || !isFirst) return null;
      isFirst = false;
      store.update({ puts: [{ Key: '0zz', Value: 'x' }], deletes: [] }, store.etag, scene.clock.nowMs());
      return null;
    };
    await publish(hourLater);
    expect(await isPublished(scene, hourLater)).toBe(true);
  });

  it('is repeated, with pauses, where CloudFront is asked too often', async () => {
    let refusals = 0;
    scene.emulator.fault = ({ plane }) =>
      plane === 'data' && refusals++ % 3 === 0 ? new ServiceError(429, 'ThrottlingException', 'Rate exceeded') : null;
    const small = fleetBuild(20, 1, codes[0], null, (n) => n < 6);
    const target = targetOver(scene.emulator, scene.clock, {
      client: { ...CLIENT, endpoint: scene.emulator.endpoint, maxAttempts: 4 },
    });
    await publishAll(target, small);
    expect(refusals).toBeGreaterThan(3);
    expect(await isPublished(scene, small)).toBe(true);
  });
});

describe('keys of two builds that do not continue one another', () => {
  it('are refused, and would send viewers wrong', async () => {
    await publish(first);
    const other = fleetBuild(500, 4, codes[0], null, isIn);
    const target = targetOver(scene.emulator, scene.clock);
    const publication = target.publishKeys(other.content, context);
    await expect(publication).rejects.toThrow(/holds keys of a build that this one does not continue/);
    await target.close();
    expect(await isPublished(scene, first)).toBe(true);
    // What the check prevents, put there by hand: half of the other's keys.
    const store = scene.emulator.account.store(STORE);
    for (const [Key, Value] of [...other.content.keys].filter((_, i) => i % 2 === 0)) {
      store.update({ puts: [{ Key, Value }], deletes: [] }, store.etag, scene.clock.nowMs());
    }
    expect((await faultsWhileSpreading(scene, [first, other])).length).toBeGreaterThan(0);
  });
});

describe('answers that are lost', () => {
  it('are asked for again, each of them', { timeout: 60_000 }, async () => {
    const isOneOfFew = (accessPoint: number) => accessPoint % 60 === 0;
    const before = fleetBuild(180, 1, codes[0], null, isOneOfFew);
    const after = fleetBuild(200, 2, codes[1], before, isOneOfFew);
    await publish(before);
    let calls = 0;
    scene.emulator.fault = () => (calls++ % 2 === 0 ? 'cutAfter' : null);
    const client = { ...CLIENT, endpoint: scene.emulator.endpoint, maxAttempts: 3 };
    await publishAll(targetOver(scene.emulator, scene.clock, { client }), after);
    expect(await isPublished(scene, after)).toBe(true);
  });
});

describe('the function', () => {
  it.each([
    ['answers otherwise', () => codes[0].replace('302', '307'), 8, 'instead of 302'],
    ['takes too much time', () => codes[1], 24, '24 %'],
  ])('that %s is not published', async (_, codeOf, utilization, sentence) => {
    await publish(first);
    scene.emulator.utilization = utilization;
    const target = targetOver(scene.emulator, scene.clock);
    const event = eventFor(first.names[0] as string, seeded(1));
    const golden = [
      { name: 'an object', event, expected: await loadBuiltFunction(codes[1], first.content.keys, '')(event) },
    ];
    const publication = target.publishFunction({ ...first.content, functionCode: codeOf() }, golden, context);
    await expect(publication).rejects.toThrow(sentence);
    await target.close();
    expect(scene.emulator.account.function(FUNCTION).live?.code.toString()).toBe(codes[0]);
  });
});

requires('njs')('the edge on njs', () => {
  it('answers as in Node while keys spread', async () => {
    await publish(first);
    scene.clock.advance(600_000);
    await cutAt(scene, 9, 'cutAfter', hourLater);
    scene.clock.advance(20_000);
    const edge = scene.emulator.edge('FRA');
    const stage = edge.stage(FUNCTION);
    if (stage === null) throw new Error('no function');
    const random = seeded(8);
    const events = first.names.filter((_, i) => i % 9 === 0).map((name) => eventFor(name, random));
    const inNode = await Promise.all(events.map((event) => edge.answer(FUNCTION, event)));
    expect(await answersOnNjs(stage.code.toString(), edge.keysNow(stage), events)).toEqual(inNode);
  });
});
