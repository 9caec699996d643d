import { randomBytes } from 'node:crypto';
import { isDirectoryLike, requestPath } from '../../core/inventory.ts';
import { type HeadAnswer, type HeadClient, type Pace, SIDE_BY_SIDE } from '../net/head-client.ts';
import type { Alone } from '../net/pipelining.ts';
import { statusReason } from '../net/reasons.ts';
import { isRefusal } from '../net/refusals.ts';
import { PORTAGE_USER_AGENT } from '../net/user-agent.ts';
import { pause, SECOND_TRY_AFTER_MS } from '../second-try.ts';
import type { CheckTask } from './contract.ts';

export interface Preflight {
  readonly verdict: 'usable' | 'down' | 'interrupted';
  /** '' for interrupted; for usable what is worth knowing, mostly ''. */
  readonly reason: string;
  /** What pipelined answers can be compared with; null where few objects are asked for, or how to ask is known. */
  readonly alone: Alone | null;
}

/** So few are asked one at a time, and without ado: to find out what the host can do would cost as much. */
export const FEW_OBJECTS = 64;
/** Asked for at once, of names that can't exist. */
const IMPOSSIBLE_NAMES = 2;
const KNOWN_FILES_ASKED = 16;
const FAREWELL_TRIES = 3;
/** Files of which one is enough to tell that our User-Agent is served: the tree may lack some. */
const GREETED_FILES = 3;
export const SOFT_404 = "answers 200 to names that don't exist";
const REFUSES_US = 'refuses our User-Agent (403), but not that of Portage';

/** What is asked for twice of so many objects, of each kind: little beside them, and enough to show a mix-up. */
export function sampleSizeOf(objects: number): number {
  return Math.min(8, Math.max(4, Math.floor(objects / 25)));
}

/**
 * Whether the server can prove anything: it is reached, it denies names that cannot exist, and it does not refuse what
 * we call ourselves. Where it does, and serves Portage, the client goes on as Portage. Two tries, the second on a single
 * connection; once in a run is enough.
 */
export async function preflight(task: CheckTask, client: HeadClient): Promise<Preflight> {
  const { acquaintance, secondTryAfterMs = SECOND_TRY_AFTER_MS, signal } = task;
  const { greeting } = acquaintance;
  if (greeting !== null && (isFew(task) || acquaintance.askedHow !== null)) {
    client.userAgent = greeting.userAgent;
    return { verdict: 'usable', reason: greeting.reason, alone: null };
  }
  let result = await greet(task, client, isFew(task) ? undefined : SIDE_BY_SIDE);
  if (result.verdict === 'down' && result.reason !== SOFT_404) {
    if (!(await pause(secondTryAfterMs, signal))) return { verdict: 'interrupted', reason: '', alone: null };
    result = await greet(task, client);
  }
  if (result.verdict === 'usable') acquaintance.greeting = { userAgent: client.userAgent, reason: result.reason };
  return result;
}

function isFew({ objectIds }: CheckTask): boolean {
  return objectIds.length <= FEW_OBJECTS;
}

async function greet(task: CheckTask, client: HeadClient, pace?: Pace): Promise<Preflight> {
  client.userAgent = task.userAgent;
  const own = await meet(task, client, pace);
  const isRefused = own.known.some((answer) => answer?.status === 403) && !own.known.some(isServed);
  if (!isRefused) return own;
  client.userAgent = PORTAGE_USER_AGENT;
  const other = await meet(task, client, pace);
  if (other.verdict === 'interrupted') return other;
  if (other.verdict === 'usable') {
    const known = isFew(task) ? (await client.askFew(knownFiles(task, GREETED_FILES))).answers : other.known;
    if (known.some(isServed)) return { ...other, reason: REFUSES_US };
  }
  client.userAgent = task.userAgent;
  return own;
}

function isServed(answer: HeadAnswer | null): boolean {
  return answer?.status === 200;
}

/**
 * Asks for names that can't exist; then for known files too, where many objects are to be asked for (few are not asked
 * for twice) or the names are not denied as they should be. `known` is what the files were answered.
 */
async function meet(
  task: CheckTask,
  client: HeadClient,
  pace?: Pace,
): Promise<Preflight & { readonly known: readonly (HeadAnswer | null)[] }> {
  const size = isFew(task) ? 0 : sampleSizeOf(task.objectIds.length);
  const impossible = impossibleNames(Math.max(IMPOSSIBLE_NAMES, size));
  const files = knownFiles(task, size);
  // The names first: a file may be one that always hangs.
  const { answers, report } = await client.askFew([...impossible, ...files], pace);
  const denials = answers.slice(0, impossible.length);
  let known: readonly (HeadAnswer | null)[] = answers.slice(impossible.length);
  const inTurns = <T>(of: readonly T[]) => files.flatMap((_, i) => [of[impossible.length + i] as T, of[i] as T]);
  const alone = isFew(task)
    ? null
    : { paths: inTurns([...impossible, ...files]), answers: inTurns(answers), isMismatched: report.isMismatched };
  const result = (verdict: Preflight['verdict'], reason = '') => ({ verdict, reason, alone, known });
  if (report.ended === 'interrupted') return result('interrupted');
  if (denials.some(isFound)) return result('down', SOFT_404);
  if (denials.includes(null)) return result('down', report.reason);
  const odd = denials.find((answer) => answer !== null && answer.status !== 404 && answer.status !== 410);
  if (odd === undefined || odd === null) return result('usable');
  // Some stores answer 403 to what they don't have: they are of use if they answer for what they have.
  if (!known.some(isServed)) {
    const others = knownFiles(task, KNOWN_FILES_ASKED).filter((path) => !files.includes(path));
    const more = await client.askFew(others.slice(0, KNOWN_FILES_ASKED - files.length));
    known = [...known, ...more.answers];
  }
  if (known.some(isServed)) return result('usable');
  if (odd.status === 405 || odd.status === 501)
    return result('down', `does not take HEAD: ${statusReason(odd.status, '')}`);
  const isAlways = known.every((answer) => answer === null || answer.status === odd.status);
  const toWhat = isAlways ? 'whatever it is asked for' : "for names that don't exist";
  return result('down', `${statusReason(odd.status, odd.location)} ${toWhat}`);
}

/** What a server says when all is done. */
export interface Farewell {
  /** It claims to have what can't exist. */
  readonly isSoft404: boolean;
  /** It does not: that it is too busy, or nothing at all, is no answer. */
  readonly isAnswered: boolean;
  /** Why it is not answered; else ''. */
  readonly reason: string;
  /** To the paths that were to be asked for again, in their order; null is no answer. */
  readonly again: readonly (HeadAnswer | null)[];
}

/**
 * Asks for names that can't exist once more, and again, one at a time, for paths that were asked for together. Three
 * tries, but hardly any after a time-out.
 */
export async function farewell(client: HeadClient, paths: readonly string[], timeoutMs: number): Promise<Farewell> {
  const startedAtMs = performance.now();
  const impossible = impossibleNames(IMPOSSIBLE_NAMES);
  const first = await client.askFew([...impossible, ...paths], paths.length > 0 ? SIDE_BY_SIDE : undefined);
  let { report } = first;
  let denials: readonly (HeadAnswer | null)[] = first.answers.slice(0, impossible.length);
  for (let tries = 1; tries < FAREWELL_TRIES && denials.includes(null) && report.ended !== 'interrupted'; tries++) {
    // It may take no more than one connection.
    const mayBeTooMany = tries === 1 && paths.length > 0;
    if (!mayBeTooMany && performance.now() - startedAtMs >= timeoutMs) break;
    ({ answers: denials, report } = await client.askFew(impossible));
  }
  const busy = denials.find((answer) => answer !== null && isRefusal(answer.status));
  const isSoft404 = denials.some(isFound);
  return {
    isSoft404,
    isAnswered: !isSoft404 && busy === undefined && !denials.includes(null),
    reason: report.reason || (busy ? statusReason(busy.status, '') : ''),
    again: first.answers.slice(impossible.length),
  };
}

function isFound(answer: HeadAnswer | null): boolean {
  return answer !== null && answer.status >= 200 && answer.status < 300;
}

/** Request paths of names that can't exist: one at the root, the others among the distfiles. */
function impossibleNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const token = randomBytes(16).toString('hex');
    const name = `redirector-no-such-file-${token}`;
    return i === 1 ? name : `distfiles/${token.slice(0, 2)}/${name}`;
  });
}

/** Request paths of files that are asked for, spread over all of them; of different sizes as far as possible. */
function knownFiles({ inventory, objectIds }: CheckTask, count: number): string[] {
  const bySize = new Map<number, number>();
  const others: number[] = [];
  const step = Math.max(1, Math.floor(objectIds.length / (count * 4)));
  for (let i = 0; i < objectIds.length && bySize.size < count; i += step) {
    const id = objectIds[i] as number;
    if (isDirectoryLike(inventory, id)) continue;
    const sizeBytes = inventory.sizeBytes[id] as number;
    if (bySize.has(sizeBytes)) others.push(id);
    else bySize.set(sizeBytes, id);
  }
  return [...bySize.values(), ...others].slice(0, count).map((id) => requestPath(inventory, id));
}
