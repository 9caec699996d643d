import type { NumberedAccessPoint } from '../../core/formats/map-file.ts';
import type { AccessPoint, Mirror } from '../../core/mirror.ts';
import type { Liveness } from '../../core/observations.ts';
import type { PresenceColumn } from '../../core/presence.ts';
import type { Ranked } from './rank.ts';
import { isRedirectable } from './region-keys.ts';

/** An access point with what is known of it. */
export interface Evidence {
  readonly mirror: Mirror;
  readonly accessPoint: AccessPoint;
  readonly presence: PresenceColumn;
  readonly liveness: Liveness;
}

/** An access point that has a number. */
export interface Known {
  readonly point: NumberedAccessPoint;
  /** Null for a point of an earlier build that is no longer on the list; its number is not given away. */
  readonly evidence: Evidence | null;
}

/** Whether viewers may be sent there. */
export function isUp({ liveness, mirror }: Pick<Evidence, 'liveness' | 'mirror'>): boolean {
  return liveness.state === 'up' && !mirror.drained;
}

/**
 * Who is down keeps its place in the tables for so long: `meta` alone takes it out and brings it back, and the viewers
 * of its neighbours are not dealt anew each time.
 */
const KEPT_WHILE_DOWN_S = 24 * 3600;

/** As ranking sees it: nothing where the point is gone. */
export function rankedOf({ evidence }: Known, number: number, nowMs: number): Ranked[] {
  if (evidence === null) return [];
  const { mirror, accessPoint } = evidence;
  const { places, weight, only, never, networks } = mirror;
  const { ipv6, url } = accessPoint;
  return [{ number, places, weight, ipv6, only, never, networks, unfit: unfit(evidence, url, nowMs) }];
}

function unfit({ mirror, liveness }: Evidence, url: string, nowMs: number): string | null {
  if (mirror.drained) return 'drained';
  const isLasting = nowMs / 1000 - liveness.sinceS > KEPT_WHILE_DOWN_S;
  if (liveness.state !== 'up' && isLasting) return `${liveness.state}: ${liveness.reason}`;
  return isRedirectable(url) ? null : 'its URL cannot be used in a redirect';
}
