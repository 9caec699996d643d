import type { ObjectTable } from '../../../core/formats/map-file.ts';
import type { BuiltFunction, FunctionEvent } from '../../../core/function-event.ts';
import type { GoldenEvent } from '../contract.ts';
import { eventOf, type Scheme, type Viewer } from './event.ts';

const viewer = (country: string, scheme: Scheme, ip = '192.0.2.1', subdivision = ''): Viewer => {
  return { country, subdivision, scheme, ip };
};

/**
 * Requests of every kind with what the function answers them here: the gate that it has to pass at the edge, over the
 * same keys.
 */
export async function goldenEvents(table: ObjectTable, answer: BuiltFunction): Promise<GoldenEvent[]> {
  const held = [...table.classOf.keys()].filter((id) => table.classOf[id] !== 0);
  const pick = (share: number) => table.paths[held[Math.floor(held.length * share)] ?? -1] ?? 'distfiles/none';
  // The name with the most that needs care.
  const odd = held.reduce((best, id) => {
    const path = table.paths[id] as string;
    return path.split('%').length > best.split('%').length ? path : best;
  }, pick(0.2));
  const events: [string, FunctionEvent][] = [
    ['known object, https, Germany', eventOf(viewer('DE', 'https'), pick(0.5))],
    ['known object, http, Brazil', eventOf(viewer('BR', 'http'), pick(0.5))],
    ['known object, IPv6, California', eventOf(viewer('US', 'https', '2001:db8::1', 'CA'), pick(0.9))],
    ['known object, nowhere', eventOf(viewer('', 'https'), pick(0.1))],
    ['odd name', eventOf(viewer('JP', 'https'), odd)],
    ['list of candidates', eventOf(viewer('FR', 'https'), pick(0.7), { list: true })],
    ['unknown object', eventOf(viewer('DE', 'https'), 'distfiles/.no-such-object')],
    ['no path', eventOf(viewer('DE', 'https'), '%zz')],
    ['another method', eventOf(viewer('DE', 'https'), pick(0.5), { method: 'POST' })],
  ];
  const golden: GoldenEvent[] = [];
  for (const [name, event] of events) {
    const { statusCode, headers } = await answer(event);
    golden.push({ name, event, expected: { statusCode, headers } });
  }
  return golden;
}
