import { loadBuiltFunction } from '../../edge-shim/built-function.ts';
import { isPresent } from '../debian-packages.ts';
import { runNjs } from '../servers/njs.ts';
import type { Account } from './account.ts';
import type { RunTest, TestRun } from './control-plane.ts';

/**
 * What TestFunction does: runs the function on njs, whose language is the edge's, or in Node where there is none.
 * `utilization` stands for the share of the allowed time, which nobody publishes.
 */
export function testRunner(account: Account, utilization: () => number): RunTest {
  return async (stage, event) => {
    const keys = stage.storeArn === null ? new Map<string, string>() : account.storeByArn(stage.storeArn).items;
    const code = stage.code.toString();
    const ran = isPresent('njs') ? await onNjs(code, keys, event) : await inNode(code, keys, event);
    return { ...ran, utilization: utilization() };
  };
}

type Ran = Omit<TestRun, 'utilization'>;

async function onNjs(code: string, keys: ReadonlyMap<string, string>, event: string): Promise<Ran> {
  const store = `const keys = ${JSON.stringify(Object.fromEntries(keys))};
    export default { kvs: function () { return { get: async function (key) {
      if (keys[key] === undefined) { throw new Error('KeyNotFound'); } return keys[key]; } }; } };`;
  const ask = `${code}
    const event = JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8'));
    handler(event).then(function (answer) { console.log(JSON.stringify(answer)); });`;
  try {
    return outputOf(JSON.parse(await runNjs({ code: ask, modules: { cloudfront: store }, input: event })));
  } catch (error) {
    return { output: null, error: String(error).slice(0, 500) };
  }
}

async function inNode(code: string, keys: ReadonlyMap<string, string>, event: string): Promise<Ran> {
  try {
    return outputOf(await loadBuiltFunction(code, keys, 'function.js')(JSON.parse(event)));
  } catch (error) {
    return { output: null, error: String(error).slice(0, 500) };
  }
}

function outputOf(answer: unknown): Ran {
  return { output: JSON.stringify({ response: answer }), error: '' };
}
