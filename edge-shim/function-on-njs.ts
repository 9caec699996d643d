import { spawnSync } from 'node:child_process';
import type { FunctionEvent, FunctionResponse } from '../core/function-event.ts';
import { runNjs } from './run-njs.ts';

/** A line that this njs prints is cut after 2,048 characters. */
const PIECE = 1000;

/** Whether the `njs` program is there to be run. */
export function hasNjs(): boolean {
  return spawnSync('njs', ['-v'], { stdio: 'ignore' }).error === undefined;
}

/**
 * What a built CloudFront Function answers on njs, whose language is the edge's, over keys in memory: in the order of
 * the events. Rejects where the program is missing, or fails.
 */
export async function answersOnNjs(
  code: string,
  keys: ReadonlyMap<string, string>,
  events: readonly FunctionEvent[],
): Promise<FunctionResponse[]> {
  const store = `const keys = ${JSON.stringify(Object.fromEntries(keys))};
    export default { kvs: function () { return { get: async function (key) {
      if (keys[key] === undefined) { throw new Error('KeyNotFound'); } return keys[key]; } }; } };`;
  const ask = `${code}
    const events = JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8'));
    async function all() {
      for (let i = 0; i < events.length; i++) {
        const answer = await handler(events[i]);
        const text = JSON.stringify(answer);
        for (let at = 0; at < text.length; at += ${PIECE}) { console.log('+' + text.slice(at, at + ${PIECE})); }
        console.log('.');
      }
    }
    all();`;
  const printed = await runNjs({ code: ask, modules: { cloudfront: store }, input: JSON.stringify(events) });
  const answers: FunctionResponse[] = [];
  let text = '';
  for (const line of printed.split('\n')) {
    if (line.startsWith('+')) text += line.slice(1);
    if (line !== '.') continue;
    answers.push(JSON.parse(text));
    text = '';
  }
  return answers;
}
