import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Outcome } from '../core/observations.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { fleetEvidence } from '../test/fleet.ts';
import { inventoryOf, mapsOf } from '../test/small-build.ts';
import { seeded } from '../test/synthetic.ts';

/** A distfile that came to the master, or went. */
export interface Change {
  readonly atS: number;
  readonly isNew: boolean;
  readonly name: string;
}

export const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const OLD_OBJECTS = 149_000;
/** Beyond it every mirror has caught up. */
const MEMORY_S = 2 * DAY_S;

/**
 * A year's changes, from the file that `REDIRECTOR_CHURN` names (time in seconds, `+` or `-`, name, size, with tabs
 * between; gzip), else made up: bursts, as developers commit.
 */
export function readChanges(): { readonly changes: readonly Change[]; readonly from: string } {
  const file = process.env['REDIRECTOR_CHURN'] ?? '';
  if (file === '') return { changes: madeUp(), from: 'made-up changes' };
  const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
  const changes = lines.map((line) => {
    const [atS = '', sign, name = ''] = line.split('\t');
    return { atS: Number(atS), isNew: sign === '+', name };
  });
  return { changes, from: 'real changes of a year' };
}

function madeUp(): Change[] {
  const random = seeded(11);
  const beginS = Date.UTC(2025, 6, 1) / 1000;
  const changes: Change[] = [];
  for (let hour = 0; hour < 365 * 24; hour++) {
    if (random() < 0.5) continue;
    const count = Math.ceil(-9 * Math.log(1 - random()));
    for (let i = 0; i < count; i++) {
      const atS = beginS + (hour + random()) * HOUR_S;
      changes.push({ atS, isNew: random() < 0.55, name: `package-${hour}-${i}.tar.xz` });
    }
  }
  return changes.sort((a, b) => a.atS - b.atS);
}

/** By the hour's first second: what changed in it. */
export function byHour(changes: readonly Change[]): Map<number, Change[]> {
  const hours = new Map<number, Change[]>();
  for (const change of changes) {
    const hourS = Math.floor(change.atS / HOUR_S) * HOUR_S;
    hours.set(hourS, [...(hours.get(hourS) ?? []), change]);
  }
  return hours;
}

/** How a mirror follows the master. */
interface Habit {
  readonly periodS: number;
  readonly phaseS: number;
  readonly isPart: boolean;
}

/**
 * A tree as mirrors hold it, for a while. Each mirror follows the master every one to eight hours, at its own minute;
 * one in ten holds a part; a hundred old objects are missing here and there.
 */
export class MovingTree {
  readonly #names: readonly string[];
  /** By object: when it came and when it went, in seconds; -Infinity and Infinity for old ones that stay. */
  readonly #cameS: Float64Array;
  readonly #wentS: Float64Array;
  readonly #fleet: readonly Evidence[];
  readonly #habits: readonly Habit[];

  constructor(changes: readonly Change[], fromS: number, spanS = HOUR_S, oldObjects = OLD_OBJECTS) {
    const recent = changes.filter(({ atS }) => atS > fromS - MEMORY_S && atS <= fromS + spanS);
    const moving = [...new Set(recent.map(({ name }) => name))];
    // Every distfile lies in its folder, and a link in the flat layout leads there.
    const pathsOf = (name: string, i: number) => {
      const spelled = encodeURIComponent(name);
      return [`distfiles/${(i & 255).toString(16)}/${spelled}`, `distfiles/${spelled}`];
    };
    const old = Array.from({ length: oldObjects / 2 }, (_, i) => pathsOf(`package-${i}.tar.xz`, i));
    this.#names = [...old.flat(), ...moving.flatMap(pathsOf)];
    this.#cameS = new Float64Array(this.#names.length).fill(Number.NEGATIVE_INFINITY);
    this.#wentS = new Float64Array(this.#names.length).fill(Number.POSITIVE_INFINITY);
    for (const { atS, isNew, name } of recent) {
      for (const id of [0, 1].map((which) => oldObjects + moving.indexOf(name) * 2 + which)) {
        (isNew ? this.#cameS : this.#wentS)[id] = atS;
      }
    }
    this.#fleet = fleetEvidence(1, 0);
    const random = seeded(3);
    const habits = new Map<string, Habit>();
    this.#habits = this.#fleet.map(({ mirror }) => {
      const periodS = (1 + Math.floor(random() * 8)) * HOUR_S;
      const habit = habits.get(mirror.id) ?? { periodS, phaseS: random() * periodS, isPart: random() < 0.1 };
      habits.set(mirror.id, habit);
      return habit;
    });
  }

  /** The maps at a time, continuing those before; `dead` is a mirror that has just gone down. */
  build(atS: number, previous: ReturnType<typeof mapsOf> | null, dead: string | null = null) {
    const down = { state: 'down', sinceS: atS, checkedAtS: atS, reason: 'refused' } as const;
    const evidence = this.#fleet.map((one, n) => {
      const liveness = one.mirror.id === dead ? down : one.liveness;
      return { ...one, presence: this.#presence(n, atS), liveness };
    });
    return mapsOf(inventoryOf(this.#names), evidence, previous?.table ?? null, atS * 1000);
  }

  /** By access point: what it holds at a time. */
  columns(atS: number): Uint8Array[] {
    return this.#fleet.map((_, n) => this.#presence(n, atS));
  }

  get objectCount(): number {
    return this.#names.length;
  }

  get mirrors(): readonly string[] {
    return [...new Set(this.#fleet.map(({ mirror }) => mirror.id))];
  }

  #presence(n: number, atS: number): Uint8Array {
    const { periodS, phaseS, isPart } = this.#habits[n] as Habit;
    const followedS = Math.floor((atS - phaseS) / periodS) * periodS + phaseS;
    return Uint8Array.from(this.#names, (_, id) => {
      const isHeld = (this.#cameS[id] as number) <= followedS && !((this.#wentS[id] as number) <= followedS);
      const isMissing = (isPart && id % 5 === 0) || (id < 100 && Math.imul(id + 1, n + 7) % 7 === 0);
      return isHeld && !isMissing ? Outcome.present : Outcome.absent;
    });
  }
}
