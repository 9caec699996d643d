import { MOST_CANDIDATES } from '../../core/edge-keys.ts';
import type { PresenceClass } from './class-ids.ts';
import { type Candidate, type Ranked, type Region, rank } from './rank.ts';
import { bytesOf, holdersKey, type Keys, type Targets } from './region-keys.ts';

/** Both schemes' take no more of the store. */
const MOST_BYTES = 300_000;
/** In so many countries some holder is up at the time of the build, where there are so many: all of one may go down. */
const UP_COUNTRIES = 2;

export interface HoldersInput {
  readonly classes: readonly PresenceClass[];
  /** By class id: how many objects are of it. */
  readonly classUse: Uint32Array;
  readonly epoch: string;
  /** By access point number: whether viewers may be sent there now. */
  readonly isUp: (number: number) => boolean;
}

/**
 * For each class that objects are of: holders world-wide, for viewers whose own tables name none that is up. They are of
 * as many countries as there are, and all classes get equally many, six at most, as there is room for.
 */
export function holderKeys(
  scheme: 'https' | 'http',
  points: readonly Ranked[],
  input: HoldersInput,
  targets: Targets,
): Keys {
  const countryOf = new Map(points.map(({ number, places }) => [number, places[0]?.country ?? '']));
  const used = input.classes.map((_, id) => id).filter((id) => id > 0 && (input.classUse[id] as number) > 0);
  const chosen = used
    .sort((a, b) => (input.classUse[b] as number) - (input.classUse[a] as number))
    .map((id) => [id, spread(everywhere(id, points, input.classes), countryOf)] as const)
    .filter(([, holders]) => holders.length > 0);
  for (let most = MOST_CANDIDATES; ; most--) {
    const keys = chosen.map(([id, holders]) => {
      const some = standing(holders, most, input.isUp, countryOf);
      return holdersKey(input.epoch, scheme === 'https' ? 's' : 'h', id, some, targets);
    });
    if (most === UP_COUNTRIES || bytesOf(keys) <= MOST_BYTES / 2) return fittingKeys(keys);
  }
}

/** All holders of a class that take viewers from everywhere. Its id draws their lots: not all classes load the same few. */
function everywhere(id: number, points: readonly Ranked[], classes: readonly PresenceClass[]): readonly Candidate[] {
  const members = new Set(classes[id]);
  const world: Region = { code: `class ${id}`, country: null, middle: null };
  return rank(
    world,
    points.filter(({ number }) => members.has(number)),
  ).accepted;
}

/** The first of each country in turn, then the second of each, and so on. */
function spread(holders: readonly Candidate[], countryOf: ReadonlyMap<number, string>): Candidate[] {
  const seen = new Map<string, number>();
  const placed = holders.map((holder) => {
    const country = countryOf.get(holder.number) as string;
    const round = seen.get(country) ?? 0;
    seen.set(country, round + 1);
    return { holder, round };
  });
  return placed.sort((a, b) => a.round - b.round).map(({ holder }) => holder);
}

/** The first `most`; where too few of them are up, the first that are up instead of the last. */
function standing(
  holders: readonly Candidate[],
  most: number,
  isUp: (number: number) => boolean,
  countryOf: ReadonlyMap<number, string>,
): readonly Candidate[] {
  const first = holders.slice(0, most);
  const countries = new Set(first.filter(({ number }) => isUp(number)).map(({ number }) => countryOf.get(number)));
  if (countries.size >= UP_COUNTRIES) return first;
  const up = spread(
    holders.filter(({ number }) => isUp(number)),
    countryOf,
  ).slice(0, UP_COUNTRIES);
  // While it need not change, the key stays: `meta` alone tells of who is down.
  return up.every((holder) => first.includes(holder))
    ? first
    : [...up, ...first.filter((holder) => !up.includes(holder))].slice(0, most);
}

/** Where even the fewest lines are too long, the classes of the fewest objects have none. */
function fittingKeys(keys: Keys): Keys {
  let left = MOST_BYTES / 2;
  const beyond = keys.findIndex((key) => {
    left -= bytesOf([key]);
    return left < 0;
  });
  return beyond < 0 ? keys : keys.slice(0, beyond);
}
