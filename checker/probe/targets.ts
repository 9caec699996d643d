import { type Address, kindOf, plainHost } from '../net/address.ts';
import type { Allowed } from '../net/reach.ts';
import { connectionReason } from '../net/reasons.ts';
import { ProbeFailure } from './failure.ts';
import type { Network } from './network.ts';

export interface Reach {
  readonly network: Network;
  /** Where requests may go. */
  readonly allowed: Allowed;
  readonly timeoutMs: number;
}

/**
 * The addresses of a host in one family that a probe may connect to; none where it has none. Connections go to these
 * very addresses, so that no second answer of the name server can lead them elsewhere. Throws ProbeFailure where the
 * name does not resolve, or to nothing that is allowed.
 */
export async function addressesOf(
  hostname: string,
  family: 4 | 6,
  { network, allowed, timeoutMs }: Reach,
): Promise<readonly Address[]> {
  const host = plainHost(hostname);
  let all: readonly Address[];
  try {
    all = await network.resolve(host);
  } catch (error) {
    throw new ProbeFailure(connectionReason(error, timeoutMs));
  }
  const found = all.filter((one) => one.family === family);
  const reachable = found.filter(({ address }) => allowed === null || allowed.has(kindOf(address)));
  const [first] = found;
  if (first === undefined || reachable.length > 0) return reachable;
  const what = `${first.address}, a ${kindOf(first.address)} address`;
  throw new ProbeFailure(first.address === host ? `leads to ${what}` : `its name resolves to ${what}`);
}
