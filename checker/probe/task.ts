import type { KnownObject } from '../../core/liveness.ts';
import type { AccessPoint } from '../../core/mirror.ts';
import type { Address } from '../net/address.ts';
import type { HostBudgets } from '../net/host-budget.ts';
import type { Allowed } from '../net/reach.ts';
import type { Network } from './network.ts';

/** What is known of the master, for all probes of a run. */
export interface Master {
  /** Seconds since 1970; null = it has no stamp, or it is not known. */
  readonly stampS: number | null;
  /** Bytes of its layout.conf; null = it has none, or they are not known. */
  readonly layout: Buffer | null;
  /** When that changed last, in seconds since 1970. */
  readonly layoutChangedS: number;
}

/** One try at one access point over one address family. */
export interface ProbeTask {
  readonly accessPoint: AccessPoint;
  readonly master: Master;
  /** Null = nothing is known to be there. */
  readonly known: KnownObject | null;
  readonly address: Address;
  readonly attempt: number;
  /** Where the access point's name may lead. */
  readonly allowed: Allowed;
  readonly network: Network;
  readonly hosts: Pick<HostBudgets, 'of'>;
  readonly userAgent: string;
  /** The text of the private key that enters hosts over SFTP; null or missing = what the ssh-agent holds. */
  readonly sftpKey?: string | null;
  readonly timeoutMs: number;
  readonly nowMs: () => number;
  /** Ends the try: its time is up, or the run was interrupted. */
  readonly signal: AbortSignal;
}

/** What a try over one family finds out, filled in on the way: what a failed try had learnt stays. */
export interface FamilyFacts {
  /** Host and port that served the known object; '' = none did. */
  finalHost: string;
  /** Seconds behind the master, at least 0. */
  stampLagS: number | null;
  /** Milliseconds since 1970. */
  certificateValidToMs: number | null;
  readonly warnings: string[];
  requests: number;
  connections: number;
  /** Sent and received. */
  bytes: number;
}

export function noFacts(): FamilyFacts {
  const cost = { requests: 0, connections: 0, bytes: 0 };
  return { finalHost: '', stampLagS: null, certificateValidToMs: null, warnings: [], ...cost };
}
