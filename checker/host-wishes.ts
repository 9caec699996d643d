import { FormatError } from '../core/errors.ts';
import { decodeHosts, encodeHosts, type HostWish } from '../core/formats/hosts-file.ts';
import { readFileOrNull, writeFileAtomic } from '../core/node/atomic-file.ts';
import { outputLayout } from '../core/output-layout.ts';
import type { HostBudgets } from './net/host-budget.ts';
import { MAX_RETRY_AFTER_MS } from './net/retry-after.ts';

/** More hosts than any mirror list has: those that mirrors redirect to are among them. */
const MAX_HOSTS = 1000;

/** By host. What lasts longer than a host may ask for came from a wrong clock, and counts for nothing. */
export type HostWishes = ReadonlyMap<string, HostWish>;

/** Whose wishes: hosts count requests by where they come from. */
export interface Asking {
  readonly output: string;
  /** '' = none was told. */
  readonly vantage: string;
}

/** The hosts that asked not to be asked yet at `nowMs` (since 1970). A torn file is told of and begun anew. */
export function readHostWishes({ output, vantage }: Asking, nowMs: number, note: (line: string) => void): HostWishes {
  const file = outputLayout.hosts(output, vantage);
  const text = readFileOrNull(file);
  if (text === null) return new Map();
  try {
    const { hosts } = decodeHosts(text.toString('utf8'), file);
    return standing(new Map(hosts.map(({ host, status, notBeforeMs }) => [host, { status, notBeforeMs }])), nowMs);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    note(`${error.message}; begun anew`);
    return new Map();
  }
}

/** Keeps what hosts asked for in a run, beside what others have written meanwhile. Writes nothing where nobody did. */
export function keepHostWishes(asking: Asking, { wishes }: HostBudgets, nowMs: number): void {
  const file = outputLayout.hosts(asking.output, asking.vantage);
  const before = readHostWishes(asking, nowMs, () => {});
  const merged = new Map(before);
  for (const [host, wish] of standing(wishes, nowMs)) {
    if (wish.notBeforeMs > (merged.get(host)?.notBeforeMs ?? 0)) merged.set(host, wish);
  }
  const last = [...merged].sort(([, a], [, b]) => b.notBeforeMs - a.notBeforeMs).slice(0, MAX_HOSTS);
  if (last.length === 0 && readFileOrNull(file) === null) return;
  const hosts = last.map(([host, wish]) => ({ host, ...wish }));
  writeFileAtomic(file, encodeHosts({ version: 1, hosts }));
}

function standing(wishes: HostWishes, nowMs: number): HostWishes {
  return new Map(
    [...wishes].filter(([, { notBeforeMs }]) => notBeforeMs > nowMs && notBeforeMs <= nowMs + MAX_RETRY_AFTER_MS),
  );
}
