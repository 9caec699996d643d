import { createHash } from 'node:crypto';
import { META_KEY } from '../../core/edge-keys.ts';
import { type Decision, decide, type Tables } from '../../edge-shim/decide.ts';
import { type Digest, type EdgeRequest, readRequest } from '../../edge-shim/request.ts';
import { FALLBACK, NOW_MS } from '../../test/small-build.ts';
import { seeded } from '../../test/synthetic.ts';
import { type Viewer, viewersFrom } from './draw.ts';
import type { Populace } from './population.ts';
import type { World } from './world.ts';

/** One of several equal parts of a simulation. */
export interface Task {
  readonly world: World;
  readonly countries: readonly Populace[];
  readonly seed: number;
  readonly viewers: number;
}

/** Counts of viewers; those of several parts are added up. */
export interface Counts {
  /** By region, then by access point number; the fallback is -1. */
  readonly sent: Record<string, Record<number, number>>;
  /** By mirror, then by the mirror that its viewers are sent to when it alone is down; the fallback is -1. */
  readonly heirs: Record<number, Record<number, number>>;
  /** By mirror: viewers of objects that few far mirrors hold. */
  readonly scarce: Record<number, number>;
  /** IPv6 viewers who are sent farther than others, since nobody nearer of their table has IPv6. */
  farForIpv6: number;
  /** Viewers asked again while a mirror was down that is not theirs, and how many of them were sent elsewhere. */
  askedAgain: number;
  moved: number;
}

export function noCounts(): Counts {
  return { sent: {}, heirs: {}, scarce: {}, farForIpv6: 0, askedAgain: 0, moved: 0 };
}

/** One viewer in so many is asked again with each other mirror of its table down, and with one at random. */
const ASK_AGAIN_EVERY = 20;
const SCARCE_EVERY = 20;

/** Sends viewers about, by the edge's own decision over the built keys. Pure. */
export function simulate({ world, countries, seed, viewers }: Task): Counts {
  const counts = noCounts();
  const next = viewersFrom(seed, countries);
  const random = seeded(seed + 1_000_000);
  const one = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const edge = new Edge(world);
  for (let i = 0; i < viewers; i++) {
    const viewer = next();
    const request = edge.request(viewer, one(world.commonUris));
    const first = edge.mirrorsFor(request, -1);
    const own = first.mirrors[0] ?? -1;
    add(rowOf(counts.sent, viewer.region), first.accessPoint);
    if (first.isFarForIpv6) counts.farForIpv6++;
    if (own >= 0) add(rowOf(counts.heirs, own), edge.mirrorsFor(request, own).mirrors[0] ?? -1);
    if (i % ASK_AGAIN_EVERY === 0) {
      const others = [...first.mirrors.slice(1), Math.floor(random() * world.mirrors.length)];
      for (const down of others.filter((mirror) => mirror !== own)) {
        counts.askedAgain++;
        if (edge.mirrorsFor(request, down).accessPoint !== first.accessPoint) counts.moved++;
      }
    }
    if (i % SCARCE_EVERY === 0) {
      add(counts.scarce, edge.mirrorsFor(edge.request(viewer, one(world.scarceUris)), -1).mirrors[0] ?? -1);
    }
  }
  return counts;
}

/** Counts of two parts as one. */
export function added(a: Counts, b: Counts): Counts {
  return {
    sent: addedTables(a.sent, b.sent),
    heirs: addedTables(a.heirs, b.heirs),
    scarce: addedRows(a.scarce, b.scarce),
    farForIpv6: a.farForIpv6 + b.farForIpv6,
    askedAgain: a.askedAgain + b.askedAgain,
    moved: a.moved + b.moved,
  };
}

type Row = Record<string | number, number>;

function addedTables(a: Record<string, Row>, b: Record<string, Row>): Record<string, Row> {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...keys].map((key) => [key, addedRows(a[key] ?? {}, b[key] ?? {})]));
}

function addedRows(a: Row, b: Row): Row {
  const sum = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}

function rowOf(table: Record<string | number, Row>, key: string | number): Row {
  table[key] ??= {};
  return table[key];
}

function add(row: Row, key: number): void {
  row[key] = (row[key] ?? 0) + 1;
}

interface Answered {
  /** -1 = the fallback. */
  readonly accessPoint: number;
  /** Best first. */
  readonly mirrors: readonly number[];
  readonly isFarForIpv6: boolean;
}

type EdgeWorld = Pick<World, 'mirrors' | 'points' | 'keys'>;

/** The edge with all keys in memory, any one mirror of which can be taken for down. */
export class Edge {
  readonly #world: EdgeWorld;
  readonly #tables: Tables;
  readonly #metaWithout: readonly string[];
  readonly #meta: string;
  readonly #digests = new Map<string, Digest>();

  constructor(world: EdgeWorld) {
    this.#world = world;
    this.#tables = Object.fromEntries(world.keys);
    this.#meta = this.#tables[META_KEY] as string;
    this.#metaWithout = world.mirrors.map((_, mirror) => {
      const points = world.points.flatMap((point, number) => (point.mirror === mirror ? [number] : []));
      return metaWithout(this.#meta, points);
    });
  }

  request({ event }: Viewer, uri: string): EdgeRequest {
    return readRequest({ ...event, uri }, (text) => {
      const known = this.#digests.get(text);
      if (known !== undefined) return known;
      const digest = createHash('sha256').update(text).digest();
      // Paths come again, networks hardly ever.
      if (text.startsWith('distfiles')) this.#digests.set(text, digest);
      return digest;
    });
  }

  /** Where a viewer is sent while one mirror is down; -1 = none is. */
  mirrorsFor(request: EdgeRequest, down: number): Answered {
    this.#tables[META_KEY] = down < 0 ? this.#meta : (this.#metaWithout[down] as string);
    let decision: Decision = decide(request, this.#tables, NOW_MS / 1000, FALLBACK);
    while (decision.kind === 'need') {
      // All keys that there are are there.
      this.#tables[decision.key] = null;
      decision = decide(request, this.#tables, NOW_MS / 1000, FALLBACK);
    }
    if (decision.kind !== 'redirect') return { accessPoint: -1, mirrors: [], isFarForIpv6: false };
    const { holders } = decision;
    const tier = (holders[0] as (typeof holders)[number]).tier;
    return {
      accessPoint: (holders[0] as (typeof holders)[number]).accessPoint,
      mirrors: holders.map(({ accessPoint }) => this.#world.points[accessPoint]?.mirror as number),
      isFarForIpv6: holders.some((holder) => holder.tier < tier),
    };
  }
}

/** `meta` with access points down: docs/formats.md tells of its bits. */
function metaWithout(meta: string, accessPoints: readonly number[]): string {
  const fields = meta.split(' ');
  const digits = [...(fields[5] as string)];
  for (const number of accessPoints) {
    const digit = Number.parseInt(digits[number >> 2] as string, 16);
    digits[number >> 2] = (digit & ~(8 >> (number & 3))).toString(16);
  }
  return fields.with(5, digits.join('')).join(' ');
}
