import type { CheckCost, Liveness } from './observations.ts';

/** A report that is older than the newest one by more than this has no voice. */
export const LIVENESS_WINDOW_S = 6 * 3600;

/** What a check or a probe from one vantage says of an access point, as far as it is voted on. */
export interface Voice {
  readonly liveness: Liveness;
  readonly cost: CheckCost;
}

/** By the vantage's name; '' = none was told. */
type ByVantage<T> = Readonly<Record<string, T>>;

/**
 * What the reports of several vantages say together. The newest report has a voice of 1; the voice of an older one
 * falls evenly with its age behind the newest, to 0 at `windowS`. More than half of all voices for `up`, or
 * for `down`, make it so; else it is `failing`. The reason is that of the newest report that is not up, with its
 * vantage's name before it; `sinceS` is that of the last one to join those of that state (where none has it: of all).
 * Where it is not up and one of them `holds`, so does all. With no reports: failing, not checked yet. The order of the
 * reports does not matter.
 */
export function votedLiveness(
  reports: ByVantage<Pick<Voice, 'liveness'>>,
  windowS: number = LIVENESS_WINDOW_S,
): Liveness {
  const all = Object.entries(reports).sort(([a], [b]) => (a < b ? -1 : 1));
  const checkedAtS = Math.max(0, ...all.map(([, { liveness }]) => liveness.checkedAtS));
  const voice = ({ liveness }: Pick<Voice, 'liveness'>) => 1 - (checkedAtS - liveness.checkedAtS) / windowS;
  const heard = all.filter(([, report]) => voice(report) > 0);
  if (heard.length === 0) return { state: 'failing', sinceS: 0, checkedAtS: 0, reason: 'not checked yet' };
  const share = (state: Liveness['state']) => {
    const voices = (some: typeof heard) => some.reduce((sum, [, report]) => sum + voice(report), 0);
    return voices(heard.filter(([, { liveness }]) => liveness.state === state)) / voices(heard);
  };
  const state = share('up') > 0.5 ? 'up' : share('down') > 0.5 ? 'down' : 'failing';
  const agreeing = heard.filter(([, { liveness }]) => liveness.state === state);
  const sinceS = Math.max(...(agreeing.length > 0 ? agreeing : heard).map(([, { liveness }]) => liveness.sinceS));
  const said: Liveness = { state, sinceS, checkedAtS, reason: state === 'up' ? '' : reasonOf(heard) };
  const holds = state !== 'up' && heard.some(([, { liveness }]) => liveness.holds === true);
  return holds ? { ...said, holds } : said;
}

function reasonOf(heard: readonly (readonly [string, Pick<Voice, 'liveness'>])[]): string {
  const complaints = heard.filter(([, { liveness }]) => liveness.state !== 'up');
  const [name, { liveness }] = complaints.reduce((newest, one) =>
    one[1].liveness.checkedAtS > newest[1].liveness.checkedAtS ? one : newest,
  );
  return name === '' ? liveness.reason : `${name}: ${liveness.reason}`;
}

/** What the last checks of all vantages cost together: from the first start, as long as the longest. */
export function summedCost(reports: ByVantage<Pick<Voice, 'cost'>>): CheckCost {
  const costs = Object.values(reports).map(({ cost }) => cost);
  const sum = (key: 'requests' | 'connections') => costs.reduce((total, cost) => total + cost[key], 0);
  const counted = costs.flatMap(({ bytes }) => bytes ?? []);
  return {
    startedAtS: costs.length === 0 ? 0 : Math.min(...costs.map(({ startedAtS }) => startedAtS)),
    elapsedMs: Math.max(0, ...costs.map(({ elapsedMs }) => elapsedMs)),
    requests: sum('requests'),
    connections: sum('connections'),
    ...(counted.length === 0 ? {} : { bytes: counted.reduce((total, bytes) => total + bytes, 0) }),
  };
}

/** Of each vantage the newest of its reports, by name in order: the same in whatever order and grouping they are given. */
export function newestReports<T extends Voice>(all: readonly ByVantage<T>[]): Record<string, T> {
  const newest = new Map<string, T>();
  for (const [name, report] of all.flatMap((reports) => Object.entries(reports))) {
    const other = newest.get(name);
    if (other === undefined || isNewer(report, other)) newest.set(name, report);
  }
  return Object.fromEntries([...newest].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A vantage never reports twice in a second; should it, the choice must still not depend on the order. */
function isNewer(a: Voice, b: Voice): boolean {
  const by = a.liveness.checkedAtS - b.liveness.checkedAtS || a.cost.startedAtS - b.cost.startedAtS;
  return by > 0 || (by === 0 && JSON.stringify(a) > JSON.stringify(b));
}
