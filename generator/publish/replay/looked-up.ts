import { quoted } from '../../../core/errors.ts';
import type { Asker } from './asking.ts';
import { isWrong, type Named, Roots } from './claims.ts';
import type { Viewer } from './event.ts';
import type { Findings } from './findings.ts';
import type { Judge } from './judge.ts';
import { COUNTER_SPELLERS, SPELLED_URLS, SPELLERS, type Spelled, spelledAlias, spelledClass } from './spelling.ts';

/** What the function's own look-up gives of every object. */
export interface LookedUp {
  /** By object id: its class; 0 = nobody holds it, or it is not known. */
  readonly classOf: Uint16Array;
  /** By object id: the class of what its link leads to; 0 = the edge answers with the object alone. */
  readonly aliasOf: Uint16Array;
}

export interface LookUpInput {
  /** Over `spellingKeys`. */
  readonly spelling: Asker;
  readonly judge: Judge;
  readonly findings: Findings;
  /** Shown from time to time what was found so far, and of how many objects. */
  readonly onward: (found: LookedUp, done: number) => void;
}

const OBJECTS_PER_STEP = 5000;
const ROOTS = new Roots(SPELLED_URLS);

/** Has the function spell the class of every object. What is no class, or leads elsewhere, is told, and counts as 0. */
export async function lookUpAll(input: LookUpInput, count: number): Promise<LookedUp> {
  const found = { classOf: new Uint16Array(count), aliasOf: new Uint16Array(count) };
  let done = 0;
  for (const id of scattered(count)) {
    if (done++ % OBJECTS_PER_STEP === 0) input.onward(found, done);
    await lookUpOne(input, id, found);
  }
  return found;
}

async function lookUpOne(input: LookUpInput, id: number, { classOf, aliasOf }: LookedUp): Promise<void> {
  const { judge, findings } = input;
  const named = judge.named(id, { listed: true });
  const spelled = await spell(input, SPELLERS, named);
  if (spelled === null) return;
  const classId = spelledClass(spelled);
  const counter = spelled.alias === 0 ? null : await spell(input, COUNTER_SPELLERS, named);
  const aliasClassId = counter === null ? 0 : spelledAlias(spelled, counter);
  if (classId === undefined || aliasClassId === undefined) {
    findings.tell(null, named.path, 'is looked up as no class of the maps');
    return;
  }
  classOf[id] = classId;
  aliasOf[id] = aliasClassId;
  if (!named.path.endsWith('/')) return;
  const bare = await spell(input, SPELLERS, judge.named(id, { listed: false }));
  if (bare !== null && (bare.own !== spelled.own || bare.alias !== spelled.alias))
    findings.tell(null, named.path, 'is looked up as another class without its slash');
}

/** Null, and told, where an answer leads elsewhere. */
async function spell({ spelling, judge, findings }: LookUpInput, viewers: readonly Viewer[], named: Named) {
  const spelled = { own: 0, alias: 0 };
  for (const viewer of viewers) {
    const answer = await spelling.ask(viewer, named.asked, { list: true });
    const claims = ROOTS.listClaim(answer, named, judge.fallbackFor(viewer.scheme));
    if (isWrong(claims)) {
      const path = strangePath(answer.body ?? '', named);
      findings.tell(null, named.path, path === null ? claims : `may be answered with ${path}, where it does not lead`);
      return null;
    }
    for (const claim of claims) {
      if (ROOTS.isAlias(claim)) spelled.alias |= 1 << ROOTS.rootOf(claim);
      else spelled.own |= 1 << claim;
    }
  }
  return spelled satisfies Spelled;
}

/** Which path a list names at a mirror that is neither the object's nor that of what it leads to; null = none. */
function strangePath(body: string, { path, alias }: Named): string | null {
  for (const url of body.split('\n')) {
    const root = SPELLED_URLS.find((one) => url.startsWith(one));
    const named = root === undefined ? path : url.slice(root.length);
    if (named !== path && named !== alias) return quoted(`/${named}`);
  }
  return null;
}

/** All numbers below `count`, those of one folder far from each other: so the rate of a beginning is that of the whole. */
export function* scattered(count: number): Generator<number> {
  let step = Math.max(1, Math.floor(count * GOLDEN));
  while (greatestDivisor(step, count) > 1) step++;
  for (let i = 0, id = 0; i < count; i++, id = (id + step) % count) yield id;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
