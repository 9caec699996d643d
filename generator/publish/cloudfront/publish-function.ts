import { quoted, RunError } from '../../../core/errors.ts';
import type { EdgeContent, GoldenEvent, PublishContext } from '../contract.ts';
import { type ControlPlane, type FunctionVersion, RUNTIME } from './control-plane.ts';
import type { Clock } from './key-store.ts';
import { LIMITS, MOST_UTILIZATION, SETTLE_MS } from './limits.ts';
import { ServiceFault } from './service-errors.ts';

const MOST_TRIES = 5;
const TEST_PAUSE_MS = 15_000;

export interface FunctionWork {
  readonly published: boolean;
  /** The most that TestFunction reported, in percent; 0 where nothing was tested. */
  readonly utilization: number;
}

/** Whether a stage is what is wanted: its code, its runtime, and the store it reads. */
export function isWanted(version: FunctionVersion | null, code: string, storeArn: string | null): boolean {
  return version !== null && version.code === code && version.runtime === RUNTIME && version.storeArn === storeArn;
}

/**
 * Sees to it that the live function is the wanted code over the store. A version that is not live yet is tested with
 * every golden event first. Throws RunError where one is answered otherwise, or takes too much time: what is live stays.
 */
export async function publishFunction(
  control: ControlPlane,
  name: string,
  storeArn: string,
  content: EdgeContent,
  golden: readonly GoldenEvent[],
  clock: Clock,
  context: PublishContext,
): Promise<FunctionWork> {
  const { signal } = context;
  const code = content.functionCode;
  if (Buffer.byteLength(code) > LIMITS.functionBytes) {
    throw new RunError(`the edge function has ${Buffer.byteLength(code)} bytes, more than CloudFront takes`);
  }
  if (isWanted(await control.readFunction(name, 'LIVE', signal), code, storeArn)) {
    return { published: false, utilization: 0 };
  }
  if (golden.length === 0) throw new RunError('the function can not be published untested: there are no golden events');
  for (let tries = 1; ; tries++) {
    try {
      const etag = await written(control, name, storeArn, content, signal);
      const utilization = await tested(control, name, etag, golden, clock, context);
      await control.publishFunction(name, etag, signal);
      return { published: true, utilization };
    } catch (error) {
      if (!isOvertaken(error) || tries >= MOST_TRIES) throw error;
    }
  }
}

/** The ETag of the development stage, which holds the wanted code. */
async function written(
  control: ControlPlane,
  name: string,
  storeArn: string,
  { functionCode: code, releaseId }: EdgeContent,
  signal: AbortSignal,
): Promise<string> {
  const found = await control.readFunction(name, 'DEVELOPMENT', signal);
  if (found !== null && isWanted(found, code, storeArn)) return found.etag;
  const comment = `redirector, release ${releaseId}`.slice(0, 128);
  return control.writeFunction(name, found?.etag ?? null, { code, comment, storeArn }, signal);
}

/** Runs all golden events; answers the most utilization. */
async function tested(
  control: ControlPlane,
  name: string,
  etag: string,
  golden: readonly GoldenEvent[],
  clock: Clock,
  context: PublishContext,
): Promise<number> {
  const task = context.progress.start('test', golden.length, 'events');
  // The keys may have been written a moment ago, and the place of the test may not have them yet.
  const untilMs = clock.nowMs() + SETTLE_MS;
  let most = 0;
  try {
    for (const one of golden) {
      for (;;) {
        const result = await control.testFunction(name, etag, one.event, context.signal);
        const fault =
          result.error !== '' ? `it failed: ${quoted(result.error)}` : differenceOf(result.output, one.expected);
        if (fault === null) {
          most = Math.max(most, checkedUtilization(result.utilization, one.name));
          break;
        }
        if (result.error !== '' || clock.nowMs() >= untilMs || context.signal.aborted) {
          throw new RunError(
            `the function was not published: on the test ${quoted(one.name)} ${fault}; what is live stays`,
          );
        }
        await clock.sleep(TEST_PAUSE_MS, context.signal);
      }
      task.advance(1);
    }
    return most;
  } finally {
    task.end();
  }
}

function checkedUtilization(utilization: number, name: string): number {
  if (utilization <= MOST_UTILIZATION) return utilization;
  throw new RunError(
    `the function was not published: on the test ${quoted(name)} it takes ${utilization} % of the compute time that is allowed, more than ${MOST_UTILIZATION} %; what is live stays`,
  );
}

/** What a test's output (JSON) has otherwise than expected; null = nothing. */
function differenceOf(output: string, expected: GoldenEvent['expected']): string | null {
  let response: Partial<GoldenEvent['expected']>;
  try {
    response = (JSON.parse(output) as { response?: Partial<GoldenEvent['expected']> }).response ?? {};
  } catch {
    return `its output is no JSON: ${quoted(output)}`;
  }
  if (response.statusCode !== expected.statusCode) {
    return `it answers ${quoted(String(response.statusCode))} instead of ${expected.statusCode}`;
  }
  for (const [header, { value }] of Object.entries(expected.headers)) {
    const found = response.headers?.[header]?.value;
    if (found !== value) return `it answers ${header} ${quoted(String(found))} instead of ${quoted(value)}`;
  }
  return null;
}

/** Somebody else has changed the function meanwhile, or an attempt whose answer was lost did what it should. */
function isOvertaken(error: unknown): boolean {
  return (
    error instanceof ServiceFault &&
    /^(PreconditionFailed|FunctionAlreadyExists|InvalidIfMatchVersion)$/.test(error.code)
  );
}
