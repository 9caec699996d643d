import { randomBytes } from 'node:crypto';
import { isDirectoryLike, requestPath } from '../../core/inventory.ts';
import type { HeadAnswer, HeadClient } from '../net/head-client.ts';
import { statusReason } from '../net/reasons.ts';
import { PORTAGE_USER_AGENT } from '../net/user-agent.ts';
import { pause, SECOND_TRY_AFTER_MS } from '../second-try.ts';
import type { CheckTask } from './contract.ts';

export interface Preflight {
  readonly verdict: 'usable' | 'down' | 'interrupted';
  /** '' for interrupted; for usable what is worth knowing, mostly ''. */
  readonly reason: string;
}

/** So few are asked one at a time, and without ado: to find out what the host can do would cost as much. */
export const FEW_OBJECTS = 64;
const KNOWN_FILES_ASKED = 16;
/** Files of which one is enough to tell that our User-Agent is served: the tree may lack some. */
const GREETED_FILES = 3;
export const SOFT_404 = "answers 200 to names that don't exist";
const REFUSES_US = 'refuses our User-Agent (403), but not that of Portage';

const USABLE: Preflight = { verdict: 'usable', reason: '' };
const INTERRUPTED: Preflight = { verdict: 'interrupted', reason: '' };

/**
 * Whether the server can prove anything: it is reached, it denies names that cannot exist, and it does not refuse what
 * we call ourselves. Where it does, and serves Portage, the client goes on as Portage. Two tries; once in a run is enough.
 */
export async function preflight(task: CheckTask, client: HeadClient): Promise<Preflight> {
  const { acquaintance, objectIds, secondTryAfterMs = SECOND_TRY_AFTER_MS, signal } = task;
  const { greeting } = acquaintance;
  if (greeting !== null && (greeting.isThorough || objectIds.length <= FEW_OBJECTS)) {
    client.userAgent = greeting.userAgent;
    return { verdict: 'usable', reason: greeting.reason };
  }
  let result = await greet(task, client);
  if (result.verdict === 'down' && result.reason !== SOFT_404) {
    if (!(await pause(secondTryAfterMs, signal))) return INTERRUPTED;
    result = await greet(task, client);
  }
  if (result.verdict === 'usable') {
    const isThorough = objectIds.length > FEW_OBJECTS;
    acquaintance.greeting = { userAgent: client.userAgent, reason: result.reason, isThorough };
  }
  return result;
}

async function greet(task: CheckTask, client: HeadClient): Promise<Preflight> {
  client.userAgent = task.userAgent;
  const asked = await askCanaries(task, client);
  if (asked.verdict === 'interrupted' || asked.reason === SOFT_404) return asked;
  if (asked.verdict === 'down' && !asked.isForbidden) return asked;
  // Where few objects are asked for, they themselves are not asked for twice.
  if (!asked.isForbidden && task.objectIds.length <= FEW_OBJECTS) return asked;
  const { answers } = await client.askFew(knownFiles(task, GREETED_FILES));
  const isRefused = answers.some((answer) => answer?.status === 403) && !answers.some(isServed);
  if (!isRefused) return asked;
  client.userAgent = PORTAGE_USER_AGENT;
  const asPortage = await askCanaries(task, client);
  if (asPortage.verdict === 'usable') {
    const again = await client.askFew(knownFiles(task, GREETED_FILES));
    if (again.answers.some(isServed)) return { verdict: 'usable', reason: REFUSES_US };
  } else if (asPortage.verdict === 'interrupted') return INTERRUPTED;
  client.userAgent = task.userAgent;
  return asked;
}

function isServed(answer: HeadAnswer | null): boolean {
  return answer?.status === 200;
}

/** Asks for two names that can't exist. `isForbidden`: they are answered 403. */
async function askCanaries(
  task: CheckTask,
  client: HeadClient,
): Promise<Preflight & { readonly isForbidden: boolean }> {
  const { answers, report } = await askForNothing(client);
  const isForbidden = answers.some((answer) => answer?.status === 403);
  if (report.ended === 'interrupted') return { ...INTERRUPTED, isForbidden };
  const down = (reason: string) => ({ verdict: 'down', reason, isForbidden }) as const;
  if (answers.some(isFound)) return down(SOFT_404);
  if (answers.includes(null)) return down(report.reason);
  const odd = answers.find((answer) => answer !== null && answer.status !== 404 && answer.status !== 410);
  if (odd === undefined || odd === null) return { ...USABLE, isForbidden };
  // Some stores answer 403 to what they don't have: they are of use if they answer for what they have.
  const known = await client.askFew(knownFiles(task, KNOWN_FILES_ASKED));
  if (known.answers.some(isServed)) return { ...USABLE, isForbidden };
  if (odd.status === 405 || odd.status === 501) return down(`does not take HEAD: ${statusReason(odd.status, '')}`);
  const isAlways = known.answers.every((answer) => answer === null || answer.status === odd.status);
  const toWhat = isAlways ? 'whatever it is asked for' : "for names that don't exist";
  return down(`${statusReason(odd.status, odd.location)} ${toWhat}`);
}

/** Whether the server claims to have what can't exist. No answer is no claim. */
export async function isSoft404(client: HeadClient): Promise<boolean> {
  return (await askForNothing(client)).answers.some(isFound);
}

function askForNothing(client: HeadClient) {
  const [atRoot, among] = canaryNames(2) as [string, string];
  return client.askFew([among, atRoot.slice(atRoot.lastIndexOf('/') + 1)]);
}

function isFound(answer: HeadAnswer | null): boolean {
  return answer !== null && answer.status >= 200 && answer.status < 300;
}

/** Request paths of names among the distfiles that can't exist. */
export function canaryNames(count: number): string[] {
  return Array.from({ length: count }, () => {
    const token = randomBytes(16).toString('hex');
    return `distfiles/${token.slice(0, 2)}/redirector-no-such-file-${token}`;
  });
}

/** Request paths of files that are asked for, spread over all of them; of different sizes as far as possible. */
export function knownFiles({ inventory, objectIds }: CheckTask, count: number): string[] {
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
