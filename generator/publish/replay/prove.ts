import { RunError } from '../../../core/errors.ts';
import type { BuiltFunction } from '../../../core/function-event.ts';
import type { EdgeContent, PublishContext } from '../contract.ts';
import type { Built } from '../read-built.ts';
import type { Policy } from './judge.ts';
import { type ReplayReport, replay } from './replay.ts';
import { type AnsweringElsewhere, replaySample, type SampleReport } from './sample.ts';

type Keys = ReadonlyMap<string, string>;

export interface ProofOptions {
  readonly policy: Policy;
  readonly load: (functionCode: string, keys: Keys) => BuiltFunction;
  /** The edge's own engine; null = it is not here. */
  readonly loadElsewhere: (functionCode: string, keys: Keys) => AnsweringElsewhere | null;
  readonly context: PublishContext;
}

export interface Proof {
  readonly replay: ReplayReport;
  /** Null = the edge's own engine is not here. */
  readonly sample: SampleReport | null;
}

/** So many requests are asked of the edge's own engine too. */
const SAMPLE = 600;
const MOST_EXAMPLES = 3;

/** Replays every object over what is to be published. Throws RunError where an answer is wrong. */
export async function prove(
  { policy, load, loadElsewhere, context }: ProofOptions,
  built: Pick<Built, 'inventory' | 'evidence' | 'table' | 'maps'>,
  { functionCode, keys }: Pick<EdgeContent, 'functionCode' | 'keys'>,
): Promise<Proof> {
  const { progress, signal } = context;
  const count = (value: number) => value.toLocaleString('en');
  const report = await replay({ built, keys, load: (some) => load(functionCode, some), policy, progress, signal });
  const { wrong, answers, examples } = report;
  if (wrong > 0) {
    throw new RunError(
      `not published: ${count(wrong)} of ${count(answers)} replayed answers are wrong: ` +
        `${examples.slice(0, MOST_EXAMPLES).join('; ')}. If a check or a probe ran since, run "redirector build" and publish again`,
    );
  }
  const elsewhere = loadElsewhere(functionCode, keys);
  if (elsewhere === null) {
    progress.note('njs is not installed: the function was replayed in Node alone, not in the edge’s own language');
    return { replay: report, sample: null };
  }
  const sample = await replaySample(built, load(functionCode, keys), elsewhere, SAMPLE);
  if (sample.different === 0) return { replay: report, sample };
  throw new RunError(`not published: ${sample.different} of ${sample.events} answers differ on njs: ${sample.example}`);
}
