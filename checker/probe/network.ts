import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Address, kindOf, plainHost } from '../net/address.ts';

/** What a probe needs of the machine it runs on. */
export interface Network {
  /** All addresses of a host. Rejects as `dns.lookup` does. */
  readonly resolve: (host: string) => Promise<readonly Address[]>;
  /** Whether the machine can reach others over IPv4 and IPv6 at all. */
  readonly hasIpv4: boolean;
  readonly hasIpv6: boolean;
  /** Certificates of authorities to trust, PEM; left out = those Node trusts. */
  readonly ca?: string;
}

const QUERY_TIMEOUT_MS = 3000;

/** This machine's own. Names are asked for once. */
export function systemNetwork(): Network {
  const outer = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ address, internal }) => !internal && /^(public|private)$/.test(kindOf(address)));
  return {
    resolve: once((host) => resolveHost(host)),
    hasIpv4: outer.some(({ family }) => family === 'IPv4'),
    hasIpv6: outer.some(({ family }) => family === 'IPv6'),
  };
}

/** The same answer for the same host; a failure is asked about again. */
export function once(resolve: Network['resolve']): Network['resolve'] {
  const known = new Map<string, ReturnType<Network['resolve']>>();
  return (host) => {
    const before = known.get(host);
    if (before !== undefined) return before;
    const answer = resolve(host);
    known.set(host, answer);
    answer.catch(() => known.delete(host));
    return answer;
  };
}

/** The parts of `node:dns/promises` that names are asked of. */
export interface Names {
  resolve4(host: string): Promise<readonly string[]>;
  resolve6(host: string): Promise<readonly string[]>;
  lookup(host: string, options: { all: true; verbatim: true }): Promise<readonly LookupAddress[]>;
}

function systemNames(): Names {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
  return {
    resolve4: (host) => resolver.resolve4(host),
    resolve6: (host) => resolver.resolve6(host),
    lookup,
  };
}

/**
 * All addresses of a host. DNS first: it answers hundreds of names at once, where the system's own look-up takes them
 * four at a time. What DNS does not know, or not for certain, may stand in the hosts file. Rejects as `dns.lookup` does.
 */
export async function resolveHost(hostname: string, names = systemNames()): Promise<readonly Address[]> {
  const host = plainHost(hostname);
  const family = isIP(host);
  if (family === 4 || family === 6) return [{ address: host, family }];
  if (/[^.]\.[^.]/.test(host) && !/\.localhost$/i.test(host)) {
    const answers = await Promise.allSettled([names.resolve4(host), names.resolve6(host)]);
    const isCertain = answers.every(
      (answer) => answer.status === 'fulfilled' || /^(ENODATA|ENOTFOUND)$/.test(answer.reason?.code),
    );
    const addresses = answers.flatMap((answer, i) => {
      const found = answer.status === 'fulfilled' ? answer.value : [];
      return found.map((address) => ({ address, family: i === 0 ? (4 as const) : (6 as const) }));
    });
    if (isCertain && addresses.length > 0) return addresses;
  }
  const found = await names.lookup(host, { all: true, verbatim: true });
  return found.map(({ address, family: one }) => ({ address, family: one === 6 ? 6 : 4 }));
}
