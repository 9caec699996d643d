import { describe, expect, it } from 'vitest';
import type { FunctionEvent, FunctionResponse } from '../core/function-event.ts';
import { loadBuiltFunction, tablesOf } from '../edge-shim/built-function.ts';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { answersOnNjs } from '../edge-shim/function-on-njs.ts';
import { httpAnswer } from '../edge-shim/http-event.ts';
import { splitTarget } from '../edge-shim/in-memory.ts';
import { requires } from './debian-packages.ts';
import { FALLBACK, Fuzzer, faultOf, PRIVATE_HOST, store } from './hostile-requests.ts';

/** A nightly run asks for more. */
const CASES = Number(process.env['REDIRECTOR_FUZZ_CASES'] ?? 20_000);
/** Every night others; the case that failed tells its seed. */
const SEED = Number(process.env['REDIRECTOR_FUZZ_SEED'] ?? 20_261_122);
const TIMEOUT_MS = 60_000 + CASES * 2;

function throwFor(place: string, fault: string, event: FunctionEvent, answer: unknown): void {
  if (fault === '') return;
  throw new Error(`seed ${SEED}, ${place}: ${fault}\n${JSON.stringify(event)}\n${JSON.stringify(answer)}`);
}

describe(`${CASES.toLocaleString('en')} hostile requests over torn stores`, () => {
  it('are answered without an exception, to known hosts, with clean headers, never from https to http', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const code = await bundleFunction(FALLBACK);
    const fuzzer = new Fuzzer(SEED);
    const statuses: Record<number, number> = {};
    let toPrivate = 0;
    let current: ReadonlyMap<string, string> = store;
    // The function is loaded once: it reads whichever store is the current one.
    const run = loadBuiltFunction(
      code,
      { get: (key: string) => current.get(key) } as ReadonlyMap<string, string>,
      'function.js',
    );
    for (let i = 0; i < CASES; i++) {
      if (i % 20 === 0) current = fuzzer.store();
      const event = fuzzer.event();
      const answer = await run(event);
      throwFor(`case ${i}`, faultOf(event, answer, current !== store), event, answer);
      if (JSON.stringify(answer).includes(`//${PRIVATE_HOST}`)) toPrivate++;
      statuses[answer.statusCode] = (statuses[answer.statusCode] ?? 0) + 1;
    }
    // Each kind of answer is met often enough for the test to mean something.
    for (const status of [200, 302, 400, 405]) expect(statuses[status], `${status}`).toBeGreaterThan(CASES / 200);
    expect(toPrivate).toBeGreaterThan(CASES / 100);
  });

  it('are answered so by a server of our own too, whatever stands in its headers', { timeout: TIMEOUT_MS }, () => {
    const fuzzer = new Fuzzer(SEED + 1);
    let current: ReadonlyMap<string, string> = store;
    let tables = tablesOf(store);
    for (let i = 0; i < CASES; i++) {
      if (i % 20 === 0) {
        current = fuzzer.store();
        tables = tablesOf(current);
      }
      const event = fuzzer.event();
      const answer = serverAnswer(tables, event);
      throwFor(`case ${i} of the server`, faultOf(event, answer, current !== store), event, answer);
    }
  });

  requires('njs')('in the language of the edge', () => {
    it('are answered as in Node', { timeout: TIMEOUT_MS }, async () => {
      const code = await bundleFunction(FALLBACK);
      const fuzzer = new Fuzzer(SEED + 2);
      for (let done = 0; done < CASES / 20; done += 500) {
        const keys = fuzzer.store();
        const events = Array.from({ length: 500 }, () => fuzzer.event()).filter(isWellFormed);
        const here = loadBuiltFunction(code, keys, 'function.js');
        const there = await answersOnNjs(code, keys, events);
        for (const [n, event] of events.entries()) {
          const expected = JSON.parse(JSON.stringify(await here(event)));
          const same = JSON.stringify(sorted(expected)) === JSON.stringify(sorted(there[n]));
          throwFor(`${done} + ${n} on njs`, same ? '' : `njs says ${JSON.stringify(there[n])}`, event, expected);
        }
      }
    });
  });
});

/** As Node's server hands it on: the viewer behind a proxy that is trusted. */
function serverAnswer(tables: ReturnType<typeof tablesOf>, { request, viewer }: FunctionEvent): FunctionResponse {
  const value = (name: string) => request.headers[name]?.value;
  const headers = {
    ...Object.fromEntries(Object.keys(request.headers).map((name) => [name, value(name)])),
    'x-forwarded-for': viewer.ip,
    'x-forwarded-proto': value('cloudfront-forwarded-proto') ?? 'https',
  };
  const query = Object.fromEntries(Object.entries(request.querystring).map(([name, one]) => [name, one.value]));
  // An absolute form is one of our own making here: the path is what the function gets.
  const { path } = request.uri.startsWith('/')
    ? splitTarget(request.uri.replaceAll('?', '%3F'))
    : { path: request.uri };
  const told = { method: request.method, path, query, headers, peer: '127.0.0.1', isTls: true };
  const options = { fallback: FALLBACK, isTrusted: (address: string) => address === '127.0.0.1', locate: null };
  const { status, description, headers: said, body } = httpAnswer(tables, told, options, Date.now() / 1000);
  return {
    statusCode: status,
    statusDescription: description,
    headers: Object.fromEntries(Object.entries(said).map(([name, text]) => [name, { value: text }])),
    ...(body === '' ? {} : { body }),
  };
}

/** A lone surrogate does not outlive the file in which njs gets its events. */
function isWellFormed(event: FunctionEvent): boolean {
  return !/\\ud[89a-f]/i.test(JSON.stringify(event));
}

/** Its properties by name. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, sorted(one)]),
  );
}
