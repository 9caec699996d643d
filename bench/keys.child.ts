import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { silentProgress } from '../core/progress.ts';
import { parseKeys } from '../edge-shim/built-function.ts';
import { readState, writeState } from '../generator/publish/cloudfront/state-file.ts';
import { cloudFrontTarget } from '../generator/publish/cloudfront/target.ts';

/** Publishes keys and function as the command does; prints what it did. */
const [endpoint = '', keysFile = '', functionFile = '', stateFile = ''] = process.argv.slice(2);
const content = {
  releaseId: 'bench',
  keys: parseKeys(readFileSync(keysFile, 'utf8'), keysFile),
  functionCode: readFileSync(functionFile, 'utf8'),
};
const target = cloudFrontTarget({
  name: 'edge',
  store: 'redirector',
  function: 'redirector',
  distribution: null,
  invalidation: 'none',
  client: {
    endpoint,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 3,
    timeoutMs: 10_000,
  },
  clock: { nowMs: Date.now, sleep: (ms) => setTimeout(ms) },
  keeper: { read: () => readState(stateFile, console.error), write: (state) => writeState(stateFile, state) },
});
const context = { progress: silentProgress, signal: new AbortController().signal };
const event = { version: '1.0', context: { eventType: 'viewer-request' }, viewer: { ip: '192.0.2.1' }, request: {} };
const golden = [{ name: 'broken event', event, expected: { statusCode: 302, headers: {} } }];
await target.plan(content, context);
const keys = await target.publishKeys(content, context);
await target.publishFunction(content, golden, context);
const swept = await target.sweepKeys(content, context);
await target.close();
console.log(JSON.stringify({ keys: keys.summary, swept: swept.summary }));
