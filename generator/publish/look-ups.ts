import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, quoted, RunError } from '../../core/errors.ts';
import type { FunctionResponse } from '../../core/function-event.ts';
import { requestPath } from '../../core/inventory.ts';
import type { PublishContext } from './contract.ts';
import type { Built } from './read-built.ts';
import { isWrong } from './replay/claims.ts';
import type { Scheme } from './replay/event.ts';
import { Judge, type Policy } from './replay/judge.ts';

export interface LookUpOptions {
  /** The hostname's root, with a trailing slash. */
  readonly url: string;
  readonly built: Pick<Built, 'inventory' | 'evidence' | 'table'>;
  readonly policy: Policy;
  /** For so long old answers are forgiven: keys take their time to all edges. */
  readonly patienceMs: number;
  /** Between two looks for the new map. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface LookUpReport {
  readonly lookUps: number;
  /** Until the new map answered. */
  readonly waitedMs: number;
}

const SAMPLE = 60;
const COUNTRIES = ['DE', 'US', 'BR', 'JP', 'ZA', 'AU', 'CN', 'FR', 'IN', 'CA', 'RU', 'NZ'];
const MOST_BODY_BYTES = 64 * 1024;
const MOST_EXAMPLES = 3;
/** Who is expected: a location that the fallback explains is right, whatever mirror it may be too. */
const NOBODY: readonly number[] = [];

/**
 * Asks the hostname as viewers do: until the new map answers, and then for a sample of the tree from many countries.
 * Every answer is judged by the evidence. Throws RunError where the map does not come, or an answer is wrong.
 */
export async function verifyLookUps(options: LookUpOptions, context: PublishContext): Promise<LookUpReport> {
  const waitedMs = await untilNewMap(options, context);
  const { inventory } = options.built;
  const judge = new Judge(options.built, options.policy);
  const scheme: Scheme = new URL(options.url).protocol === 'http:' ? 'http' : 'https';
  const wrong: string[] = [];
  const count = Math.min(SAMPLE, inventory.paths.length);
  const task = context.progress.start('look-ups', count, 'look-ups');
  for (let i = 0; i < count; i++) {
    const id = Math.floor((i * inventory.paths.length) / count);
    const country = COUNTRIES[i % COUNTRIES.length] as string;
    const named = { ...judge.named(id, { listed: false }), asked: requestPath(inventory, id) };
    const viewer = { country, subdivision: '', scheme, ip: '' };
    const answer = await ask(options, `${named.asked}?country=${country}`, context.signal);
    const claim = judge.redirectClaim(answer, viewer, named, NOBODY);
    const objections = isWrong(claim)
      ? [claim]
      : claim.map((place) =>
          judge.holds(place, id) ? judge.objection(place, viewer) : 'its mirror is not known to hold it',
        );
    const objection = objections.find((one) => one !== '');
    if (objection !== undefined) wrong.push(`/${named.asked} from ${country}: ${objection}`);
    task.advance(1);
  }
  task.end();
  if (wrong.length === 0) return { lookUps: count, waitedMs };
  throw new RunError(
    `${options.url}: ${wrong.length} of ${count} look-ups are wrong: ${wrong.slice(0, MOST_EXAMPLES).join('; ')}`,
  );
}

async function untilNewMap(options: LookUpOptions, { signal, progress }: PublishContext): Promise<number> {
  const { table } = options.built;
  const held = table.classOf.findIndex((classId) => classId !== 0);
  if (held < 0) throw new RunError('no object is held by anybody: there is nothing to look up');
  const wantedS = Math.floor(table.builtAtMs / 1000);
  const path = table.paths[held] as string;
  let waitedMs = 0;
  for (let last = ''; ; waitedMs += options.intervalMs) {
    const found = await builtAtS(options, `${path}?mirrorlist=json&country=DE`, signal);
    if (found === wantedS) return waitedMs;
    const now = typeof found === 'number' ? `answers by the map of ${iso(found)}, not of ${iso(wantedS)}` : found;
    if (now !== last) progress.note(`${options.url} ${now}; waiting`);
    last = now;
    if (waitedMs >= options.patienceMs) {
      throw new RunError(`${options.url} still ${now} after ${Math.round(waitedMs / 1000)} s`);
    }
    await delay(options.intervalMs, undefined, { signal }).catch(() => {
      throw new RunError('interrupted while the new map was waited for; publish again');
    });
  }
}

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

/** When the map was built that answers; a sentence where none does. */
async function builtAtS(options: LookUpOptions, target: string, signal: AbortSignal): Promise<number | string> {
  try {
    const { statusCode, body = '' } = await ask(options, target, signal);
    const { builtAtS: found } = JSON.parse(body) as { builtAtS?: unknown };
    if (Number.isSafeInteger(found) && (found as number) < 1e11) return found as number;
    return `answers with status ${statusCode} and without the time of a map`;
  } catch (error) {
    return error instanceof RunError ? `does not answer (${error.message})` : 'answers with something that is no list';
  }
}

async function ask({ url, timeoutMs }: LookUpOptions, target: string, signal: AbortSignal): Promise<FunctionResponse> {
  try {
    const response = await fetch(url + target, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const headers = Object.fromEntries([...response.headers].map(([name, value]) => [name, { value }]));
    const { status: statusCode, statusText: statusDescription } = response;
    return { statusCode, statusDescription, headers, body: await bounded(response) };
  } catch (error) {
    const { cause } = error as Error;
    throw new RunError(`${url}: ${quoted(messageOf(cause ?? error), 120)}`);
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop ends the connection.
    if (bytes > MOST_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MOST_BODY_BYTES).toString('utf8');
}
