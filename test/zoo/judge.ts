import { type Observations, Outcome } from '../../core/observations.ts';
import type { Behaviour, Truth } from './behaviour.ts';
import type { Checked } from './check.ts';
import type { ZooObject, ZooTree } from './zoo-tree.ts';

/** What was found of one object. */
interface Finding {
  readonly object: ZooObject;
  readonly truth: Truth;
  readonly found: 'present' | 'absent' | 'different' | 'failed' | 'nothing';
  readonly sizeBytes: number;
  readonly reason: string;
}

const WORDS = { [Outcome.present]: 'present', [Outcome.absent]: 'absent', [Outcome.different]: 'different' } as const;
const MAX_GROWN_BYTES = 150 * 2 ** 20;
const MAX_REASON_CHARACTERS = 400;
const MAX_TOLD = 5;
/** Where such a text is opened as a table, it is a formula. */
const FORMULA = /^[=+\-@]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** What is wrong with a check, each a sentence; none = it did what it must whatever a server does, and what is demanded. */
export function faultsOf(zoo: ZooTree, behaviour: Behaviour, checked: Checked): string[] {
  const { hung, crash, observations, grownBytes } = checked;
  const faults: string[] = [];
  if (crash !== '') faults.push(`it crashed: ${crash}`);
  if (hung !== '') faults.push(`it hung ${hung}`);
  if (grownBytes > MAX_GROWN_BYTES) faults.push(`it grew by ${Math.round(grownBytes / 2 ** 20)} MB`);
  if (observations === null) return [...faults, 'it wrote nothing'];
  const all = zoo.objects.map((object) => findingOf(object, behaviour.truth(object), observations));
  const findings = behaviour.isLeftAlone === true ? all.filter(({ found }) => found !== 'nothing') : all;
  faults.push(...falsehoods(findings), ...unmet(behaviour, findings, observations));
  const texts = [observations.liveness.reason, ...observations.failures, ...checked.notes];
  return [...faults, ...texts.flatMap(textFault)];
}

function findingOf(object: ZooObject, truth: Truth, observations: Observations): Finding {
  const { id } = object;
  const outcome = observations.outcome[id] as keyof typeof WORDS | typeof Outcome.none;
  const hasFailed = observations.failedAtS[id] !== 0;
  return {
    object,
    truth,
    found: outcome !== Outcome.none ? WORDS[outcome] : hasFailed ? 'failed' : 'nothing',
    sizeBytes: observations.sizeBytes[id] as number,
    reason: hasFailed ? (observations.failures[observations.failure[id] as number] ?? '') : '',
  };
}

/** What the file of a check that was cut says and is not true; what it says nothing of may be anything. */
export function falseEvidence(zoo: ZooTree, { truth }: Behaviour, observations: Observations): string[] {
  const findings = zoo.objects.map((object) => findingOf(object, truth(object), observations));
  return falsehoods(findings.filter(({ found }) => found !== 'nothing'));
}

/** Evidence that is not true. */
function falsehoods(findings: readonly Finding[]): string[] {
  const isFalse = ({ object, found, truth, sizeBytes }: Finding) => {
    if (found === 'failed') return false;
    if (found === 'present' && !object.isDirectory && sizeBytes !== object.sizeBytes) return true;
    return found !== truth;
  };
  return told(findings.filter(isFalse), ({ found, truth }) => `recorded ${found}, in truth ${truth}`);
}

function unmet({ demand }: Behaviour, findings: readonly Finding[], { liveness }: Observations): string[] {
  const faults: string[] = [];
  if (demand.state !== 'any' && liveness.state !== demand.state)
    faults.push(`it is ${liveness.state} (${liveness.reason}), not ${demand.state}`);
  const failed = findings.filter(({ found }) => found === 'failed');
  const unproven = failed.filter(({ object, truth }) => truth !== 'unproven' && demand.proven(object));
  faults.push(...told(unproven, ({ truth, reason }) => `${truth} in truth, but not proven: ${reason}`));
  const { reason } = demand;
  const mute = failed.filter((each) => each.reason === '' || reason?.test(each.reason) === false);
  faults.push(...told(mute, (each) => `failed with the reason "${each.reason}"`));
  if (liveness.state !== 'up' && liveness.reason === '') faults.push('no reason is given for its state');
  if (liveness.state === 'down' && reason?.test(liveness.reason) === false)
    faults.push(`it is down with the reason "${liveness.reason}"`);
  return faults;
}

/** One sentence for all that are told of alike. */
function told(findings: readonly Finding[], sentence: (finding: Finding) => string): string[] {
  const paths = new Map<string, string[]>();
  for (const finding of findings) {
    const text = sentence(finding);
    paths.set(text, [...(paths.get(text) ?? []), finding.object.path]);
  }
  return [...paths].map(([text, some]) => `${some.length} objects ${text}: ${some.slice(0, MAX_TOLD).join(' ')}`);
}

function textFault(text: string): string[] {
  if (UNSAFE.test(text)) return [`a text that is not safe to show: ${JSON.stringify(text)}`];
  if (FORMULA.test(text)) return [`a text that is a formula: ${text}`];
  return text.length > MAX_REASON_CHARACTERS ? [`a text of ${text.length} characters`] : [];
}
