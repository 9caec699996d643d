import { quoted } from '../../../core/errors.ts';
import type { Asker } from './asking.ts';
import { isWrong, type Named, type Roots } from './claims.ts';
import type { Viewer } from './event.ts';
import type { Findings } from './findings.ts';
import type { Judge } from './judge.ts';
import { BIT_ROOTS, BIT_SPELLERS, BITS, CLASS_ROOTS, CLASS_SPELLER } from './spelling.ts';

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

/** Has the function spell the class of every object. What leads elsewhere is told, and counts as 0. */
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
  const named = input.judge.named(id, { listed: true });
  const claim = await spelledClass(input, named);
  if (CLASS_ROOTS.isAlias(claim)) {
    aliasOf[id] = CLASS_ROOTS.rootOf(claim);
    classOf[id] = await spelledBits(input, named);
  } else classOf[id] = claim;
  if (!named.path.endsWith('/')) return;
  const bare = await spelledClass(input, input.judge.named(id, { listed: false }));
  if (bare !== claim) input.findings.tell(null, named.path, 'is looked up as another class without its slash');
}

/** The class of an object, or as an alias that of what its link leads to. */
async function spelledClass(input: LookUpInput, named: Named): Promise<number> {
  const [claim = 0, ...more] = await spelled(input, CLASS_SPELLER, CLASS_ROOTS, named);
  if (more.length > 0) input.findings.tell(null, named.path, 'is looked up as several classes');
  return claim;
}

/** A link's own class, whatever it leads to. */
async function spelledBits(input: LookUpInput, named: Named): Promise<number> {
  let classId = 0;
  for (const viewer of BIT_SPELLERS) {
    for (const claim of await spelled(input, viewer, BIT_ROOTS, named)) if (claim < BITS) classId += 1 << claim;
  }
  return classId;
}

/** What is named of some roots; none, and told, where an answer leads elsewhere. */
async function spelled({ spelling, judge, findings }: LookUpInput, viewer: Viewer, roots: Roots, named: Named) {
  const answer = await spelling.ask(viewer, named.asked, { list: true });
  const claims = roots.listClaim(answer, named, judge.fallbackFor(viewer.scheme), null);
  if (!isWrong(claims)) return claims;
  const path = strangePath(answer.body ?? '', named);
  findings.tell(null, named.path, path === null ? claims : `may be answered with ${path}, where it does not lead`);
  return [];
}

/** Which path a list names at a made-up mirror that is neither the object's nor that of what it leads to; null = none. */
function strangePath(body: string, { path, alias }: Named): string | null {
  for (const [, named] of body.matchAll(/^https:\/\/[a-z0-9-]+\.invalid\/(.*)$/gm))
    if (named !== path && named !== alias) return quoted(`/${named}`);
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
