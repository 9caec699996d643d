import { readFileSync } from 'node:fs';
import { decodeObservations } from '../../core/formats/observations-file.ts';
import type { History } from '../../core/history.ts';
import type { Inventory } from '../../core/inventory.ts';
import type { AccessPoint, Mirror } from '../../core/mirror.ts';
import type { Observations } from '../../core/observations.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { silentProgress } from '../../core/progress.ts';
import { keep } from '../../test/keep.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { type PlannedPoint, planCheck } from '../plan.ts';
import { type CheckOptions, type CheckSummary, inSeconds, runCheck } from '../run.ts';

export const DAY_MS = 24 * 3600 * 1000;

/** A mirror with an access point at each URL, called `<id>.<protocol>`. */
export function mirror(id: string, ...urls: readonly string[]): Mirror {
  const accessPoints = urls.map((url): AccessPoint => {
    const protocol = url.split(':')[0] as AccessPoint['protocol'];
    return { id: `${id}.${protocol}`, mirrorId: id, protocol, url, ipv4: true, ipv6: false, partial: false };
  });
  const places = [{ country: 'DE', latitude: 0, longitude: 0 }];
  return { id, name: id, places, weight: 1, drained: false, accessPoints };
}

/** How often each method stands in the columns; objects that none has told of are left out. */
export function methodsOf({
  method: column,
  methods,
}: Pick<Observations, 'method' | 'methods'>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of column) {
    const method = methods[code] as string;
    if (code > 0) counts[method] = (counts[method] ?? 0) + 1;
  }
  return counts;
}

/** Checks of some mirrors into an output folder of their own, which goes with the test. */
export interface Harness {
  readonly output: string;
  /** What the checks have noted so far. */
  readonly notes: readonly string[];
  /** Steps of progress so far. */
  advanced(): number;
  run(more?: Partial<CheckOptions>): Promise<CheckSummary>;
  /** What a run at that time would ask. */
  plan(nowMs: number): Promise<readonly PlannedPoint[]>;
  /** The files of an access point; they throw where there are none. */
  read(id: string, vantage?: string): Observations;
  history(id: string, vantage?: string): History;
}

/** `defaults` go before what every check here has: a second for an answer, seven days for each object, no vantage. */
export function harness(
  inventory: Inventory,
  mirrors: readonly Mirror[],
  defaults: Partial<CheckOptions> = {},
): Harness {
  const output = keep(tempFolder()).path;
  const notes: string[] = [];
  let advanced = 0;
  let objects = inventory.paths.length;
  const advance = (steps: number) => {
    advanced += steps;
  };
  const options: CheckOptions = {
    ...{ output, inventory, mirrors: { version: 1, takenAtMs: 0, mirrors, notes: [] } },
    ...{ chosen: { mirrorIds: [], treePrefix: '' }, only: 'all', vantage: '' },
    ...{ periodMs: 7 * DAY_MS, expiryMs: 14 * DAY_MS, budgetMs: null, checkpointMs: 30_000 },
    ...{ userAgent: 'redirector-test/1', timeoutMs: 1000, nowMs: Date.now },
    progress: {
      start: (...task) => ({ ...silentProgress.start(...task), advance }),
      note: (line) => notes.push(line),
    },
    signal: new AbortController().signal,
    ...defaults,
  };
  return {
    output,
    notes,
    advanced: () => advanced,
    run: (more = {}) => {
      objects = Math.max(objects, more.inventory?.paths.length ?? 0);
      return runCheck({ ...options, ...more });
    },
    plan: (nowMs) => planCheck({ ...options, ...inSeconds(options, nowMs), note: () => {} }),
    read: (id, vantage = '') => {
      const file = outputLayout.observations(output, id, vantage);
      return decodeObservations(readFileSync(file), objects, file);
    },
    history: (id, vantage = '') => JSON.parse(readFileSync(outputLayout.history(output, id, vantage), 'utf8')),
  };
}
