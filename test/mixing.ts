import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { type Decision, decide, type Tables } from '../edge-shim/decide.ts';
import { type EdgeRequest, readRequest } from '../edge-shim/request.ts';
import { FALLBACK, NOW_MS } from './small-build.ts';

export const sha256 = (text: string) => createHash('sha256').update(text).digest();

export const COUNTRIES = ['DE', 'US', 'BR', 'RU', 'CN', 'IN', 'FR', 'ZA', 'NZ', 'LI', 'TO', ''];
export const PARTS = ['', 'CA', 'WA', 'SP', 'MOW', 'PRI', 'GD', 'MH'];

/** Somebody, somewhere, who asks for a path. */
export function requestFor(path: string, random: () => number): EdgeRequest {
  const pick = <T>(some: readonly T[]) => some[Math.floor(random() * some.length)] as T;
  return readRequest(
    {
      method: 'GET',
      uri: `/${path}`,
      query: {},
      ip:
        random() < 0.8
          ? `${Math.floor(random() * 250)}.${Math.floor(random() * 250)}.1.1`
          : `2001:db8:${Math.floor(random() * 9999)}::1`,
      country: pick(COUNTRIES),
      subdivision: pick(PARTS),
      forwardedProto: random() < 0.7 ? 'https' : 'http',
    },
    sha256,
  );
}

/** One answer where every read finds the old value, the new one, or for a moment nothing. */
export function askMixed(
  request: EdgeRequest,
  stores: readonly ReadonlyMap<string, string>[],
  random: () => number,
): Decision {
  const tables: Tables = {};
  for (;;) {
    const decision = decide(request, tables, NOW_MS / 1000, FALLBACK);
    if (decision.kind !== 'need') return decision;
    expect(Object.keys(tables).length).toBeLessThan(4);
    const store = random() < 0.05 ? null : stores[Math.floor(random() * stores.length)];
    tables[decision.key] = store?.get(decision.key) ?? null;
  }
}
