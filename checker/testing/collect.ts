import type { LoadedInventory } from '../../core/inventory.ts';
import type { Protocol, SftpLogin } from '../../core/mirror.ts';
import type { BegunListing } from '../../core/node/rsync.ts';
import { Outcome, type OutcomeCode } from '../../core/observations.ts';
import type { Method, MethodReport } from '../methods/contract.ts';
import { Acquaintance } from '../net/acquaintance.ts';
import { type HostBudget, HostBudgets } from '../net/host-budget.ts';

export interface Collected {
  readonly report: MethodReport;
  /** By path: the outcome's word and size ("present 5"), or "failed: " and the reason. */
  readonly results: Readonly<Record<string, string>>;
  /** What of them was there when they were last confirmed. */
  readonly confirmed: Readonly<Record<string, string>>;
  /** Objects that were told of twice. */
  readonly repeated: readonly string[];
}

const WORDS = Object.fromEntries(Object.entries(Outcome).map(([word, code]) => [code, word]));

/** What a server asks of those who enter it. */
export interface Entry {
  readonly login?: SftpLogin;
  readonly sftpKey?: string;
}

/** Runs a method over a whole inventory and collects its calls. */
export async function collect(
  method: Method,
  inventory: LoadedInventory,
  url: string,
  options: {
    readonly timeoutMs?: number;
    readonly secondTryAfterMs?: number;
    readonly signal?: AbortSignal;
    /** Default: no grace. */
    readonly graceSignal?: AbortSignal;
    /** Default: never. */
    readonly checkpointMs?: number;
    readonly budget?: HostBudget;
    readonly acquaintance?: Acquaintance;
    readonly entry?: Entry | undefined;
    readonly begun?: BegunListing;
  } = {},
): Promise<Collected> {
  const results: Record<string, string> = {};
  const repeated: string[] = [];
  let confirmed: Readonly<Record<string, string>> = {};
  const put = (id: number, text: string) => {
    const path = inventory.paths[id] as string;
    if (path in results) repeated.push(path);
    results[path] = text;
  };
  const { login, sftpKey } = options.entry ?? {};
  const signal = options.signal ?? new AbortController().signal;
  const report = await method.check({
    accessPoint: {
      id: 'm.test',
      mirrorId: 'm',
      protocol: new URL(url).protocol.slice(0, -1) as Protocol,
      url,
      ipv4: true,
      ipv6: false,
      partial: false,
      ...(login === undefined ? {} : { login }),
    },
    ...(sftpKey === undefined ? {} : { sftpKey }),
    inventory,
    objectIdOf: (path) => {
      const id = inventory.paths.indexOf(path);
      return id < 0 ? undefined : id;
    },
    objectIds: Int32Array.from(inventory.paths, (_, id) => id),
    sink: {
      record: (id: number, outcome: OutcomeCode, size: number) =>
        put(id, `${WORDS[outcome]}${size < 0 ? '' : ` ${size}`}`),
      hint: (id: number) => put(id, 'hint'),
      fail: (id: number, reason: string) => put(id, `failed: ${reason}`),
      withdraw: (outcomes: readonly OutcomeCode[], reason: string) => {
        const words = outcomes.map((outcome) => WORDS[outcome]);
        for (const [path, text] of Object.entries(results)) {
          if (words.includes(text.split(' ')[0])) results[path] = `failed: ${reason}`;
        }
      },
      confirm: () => {
        confirmed = { ...results };
      },
      dismiss: (reason: string) => {
        for (const [path, text] of Object.entries(results)) {
          if (confirmed[path] !== text && !text.startsWith('failed: ')) results[path] = `failed: ${reason}`;
        }
      },
    },
    userAgent: 'redirector-test/1',
    timeoutMs: options.timeoutMs ?? 1000,
    secondTryAfterMs: options.secondTryAfterMs ?? 20,
    hosts: options.budget === undefined ? new HostBudgets() : { of: () => options.budget as HostBudget },
    acquaintance: options.acquaintance ?? new Acquaintance(),
    begun: options.begun ?? null,
    checkpointMs: options.checkpointMs ?? Number.POSITIVE_INFINITY,
    signal,
    graceSignal: options.graceSignal ?? signal,
  });
  return { report, results, confirmed, repeated };
}

/** How often each result was given. */
export function tally(results: Readonly<Record<string, string>>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of Object.values(results)) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}
