import type { BuiltFunction } from '../../../core/function-event.ts';
import { parseEdgeKey } from '../../../core/key-kinds.ts';
import type { Progress } from '../../../core/progress.ts';
import type { Built } from '../read-built.ts';
import { Asker, Tally, WatchedKeys } from './asking.ts';
import { Findings } from './findings.ts';
import { Judge, type Policy } from './judge.ts';
import { kindsOf } from './kinds.ts';
import { lookUpAll } from './looked-up.ts';
import { askObjects, judgeObjects } from './objects.ts';
import { spellingKeys } from './spelling.ts';
import { answersAtTables, askTables } from './tables.ts';
import { privateViewersOf, viewersOf } from './viewers.ts';

export interface ReplayReport {
  readonly objects: number;
  /** Regions × schemes × shards × address families, and private networks × schemes. */
  readonly viewers: number;
  /** Those that the function reads for them. */
  readonly tables: number;
  readonly classes: number;
  /** Of a link's class and that of what it leads to, where the edge may answer with either. */
  readonly pairs: number;
  readonly answers: number;
  /** Objects that somebody holds for everybody, and that were sent to the fallback over a scheme. */
  readonly missed: number;
  /** How many answers were wrong; the first of them as sentences. */
  readonly wrong: number;
  readonly examples: readonly string[];
}

export interface ReplayInput {
  readonly built: Pick<Built, 'inventory' | 'evidence' | 'table' | 'maps'>;
  /** Those that are to be published. */
  readonly keys: ReadonlyMap<string, string>;
  /** The built function over some keys. */
  readonly load: (keys: ReadonlyMap<string, string>) => BuiltFunction;
  readonly policy: Policy;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Each object is asked for over https and http. */
const SCHEMES = 2;

/**
 * Asks the built function for every object, and judges each answer by the evidence. docs/decisions/0007-replay.md says
 * what is asked and what it proves. Throws RunError where `signal` is raised; wrong answers are in the report.
 */
export async function replay(input: ReplayInput): Promise<ReplayReport> {
  const { built, load, policy } = input;
  const { inventory } = built;
  const objects = inventory.paths.length;
  const viewers = [...viewersOf(built.maps, policy.upgrade), ...privateViewersOf(built.evidence, input.keys)];
  const tally = new Tally(input);
  const findings = new Findings();
  const judge = new Judge(built, policy);
  const inKeys = [...input.keys.keys()].filter((key) => parseEdgeKey(key)?.kind === 'table').length;
  const found = await lookUpAll(
    {
      spelling: new Asker(load(spellingKeys(input.keys)), tally),
      judge,
      findings,
      onward: (soFar, done) => {
        const lookUps = (objects - done) * Math.max(1, tally.answers / done);
        tally.expect(lookUps + answersAtTables(kindsOf(soFar), inKeys, viewers.length) + SCHEMES * objects);
      },
    },
    objects,
  );
  const kinds = kindsOf(found);
  const keys = new WatchedKeys(input.keys);
  const asker = new Asker(load(keys), tally);
  const common = { asker, judge, findings, found };
  const { accessPoints } = built.table;
  const onward = (left: number) => tally.expect(left + SCHEMES * objects);
  const tables = await askTables({ ...common, keys, kinds, accessPoints, onward }, viewers);
  judgeObjects({ ...common, inventory, tables });
  const missed = await askObjects({ ...common, inventory, tables });
  tally.end();
  return {
    objects,
    viewers: viewers.length,
    tables: tables.length,
    classes: kinds.classes,
    pairs: kinds.pairs,
    answers: tally.answers,
    missed,
    wrong: findings.wrong,
    examples: findings.examples,
  };
}
