import { isDeepStrictEqual } from 'node:util';
import { quoted } from '../../../core/errors.ts';
import type { BuiltFunction, FunctionEvent, FunctionResponse } from '../../../core/function-event.ts';
import { requestPath } from '../../../core/inventory.ts';
import type { Built } from '../read-built.ts';
import { eventOf } from './event.ts';
import { viewersOf } from './viewers.ts';

/** Runs the built function in the edge's own language; answers in the order of the events. */
export type AnsweringElsewhere = (events: readonly FunctionEvent[]) => Promise<readonly FunctionResponse[]>;

export interface SampleReport {
  readonly events: number;
  readonly different: number;
  /** The first difference as a sentence; '' = there is none. */
  readonly example: string;
}

/** Whether the function answers on njs, the edge's engine, as it does in Node: objects and viewers all over both lists. */
export async function replaySample(
  { inventory, maps }: Pick<Built, 'inventory' | 'maps'>,
  answer: BuiltFunction,
  elsewhere: AnsweringElsewhere,
  size: number,
): Promise<SampleReport> {
  const viewers = viewersOf(maps, false);
  const objects = inventory.paths.length;
  const events = Array.from({ length: objects === 0 ? 0 : size }, (_, i) => {
    const path = requestPath(inventory, Math.floor((i * objects) / size));
    const viewer = viewers[Math.floor((i * viewers.length) / size)];
    return viewer === undefined ? [] : [eventOf(viewer, path, { list: i % 3 === 0 })];
  }).flat();
  const there = await elsewhere(events);
  let different = 0;
  let example = '';
  for (const [i, event] of events.entries()) {
    const here = JSON.parse(JSON.stringify(await answer(event)));
    if (isDeepStrictEqual(here, there[i])) continue;
    if (different++ === 0) {
      example = `${quoted(event.request.uri)}: ${quoted(JSON.stringify(there[i] ?? null))} on njs, ${quoted(JSON.stringify(here))} in Node`;
    }
  }
  return { events: events.length, different, example };
}
