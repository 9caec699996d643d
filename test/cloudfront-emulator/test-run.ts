import type { FunctionEvent } from '../../core/function-event.ts';
import { loadBuiltFunction } from '../../edge-shim/built-function.ts';
import { answersOnNjs } from '../../edge-shim/function-on-njs.ts';
import { isPresent } from '../debian-packages.ts';
import type { Account } from './account.ts';
import type { RunTest } from './control-plane.ts';

/**
 * What TestFunction does: runs the function on njs, whose language is the edge's, or in Node where there is none.
 * `utilization` stands for the share of the allowed time, which nobody publishes.
 */
export function testRunner(account: Account, utilization: () => number): RunTest {
  return async (stage, event) => {
    const keys = stage.storeArn === null ? new Map<string, string>() : account.storeByArn(stage.storeArn).items;
    try {
      const response = await answerOf(stage.code.toString(), keys, JSON.parse(event) as FunctionEvent);
      return { utilization: utilization(), output: JSON.stringify({ response }), error: '' };
    } catch (error) {
      return { utilization: utilization(), output: null, error: String(error).slice(0, 500) };
    }
  };
}

async function answerOf(code: string, keys: ReadonlyMap<string, string>, event: FunctionEvent): Promise<unknown> {
  if (isPresent('njs')) return (await answersOnNjs(code, keys, [event]))[0];
  return loadBuiltFunction(code, keys, 'function.js')(event);
}
