import { BlockList, isIPv6 } from 'node:net';
import type { FunctionResponse } from '../../../core/function-event.ts';
import { type Inventory, isDirectoryLike, ObjectType, requestPath } from '../../../core/inventory.ts';
import { Outcome } from '../../../core/observations.ts';
import { type Evidence, isUp } from '../../maps/evidence.ts';
import { type Claim, type Expected, type Named, Roots } from './claims.ts';
import type { Scheme, Viewer } from './event.ts';

/** What the edge is told to do. */
export interface Policy {
  /** Where unknown objects go, with a trailing slash. */
  readonly fallback: string;
  /** Viewers over http are sent to https. */
  readonly upgrade: boolean;
}

/**
 * What is true of an answer, by the evidence alone: nothing of the keys, classes or tables that the answer came from.
 * Presence of an object at an access point is `evidence[place].presence[id]`.
 */
export class Judge {
  readonly evidence: readonly Evidence[];
  /** The access points by their place in `evidence`. */
  readonly roots: Roots;
  readonly #inventory: Inventory;
  readonly #policy: Policy;
  readonly #up: readonly boolean[];

  constructor({ evidence, inventory }: { evidence: readonly Evidence[]; inventory: Inventory }, policy: Policy) {
    this.evidence = evidence;
    this.#inventory = inventory;
    this.#policy = policy;
    this.roots = new Roots(evidence.map(({ accessPoint }) => accessPoint.url));
    this.#up = evidence.map(isUp);
  }

  /** How an answer may name an object, which was asked for without the slash of a directory or, as `listed`, with it. */
  named(id: number, { listed }: { listed: boolean }): Named {
    const { types, leadsTo, paths } = this.#inventory;
    const isDirectory = isDirectoryLike(this.#inventory, id);
    const own = requestPath(this.#inventory, id);
    const path = isDirectory && own !== '' && !own.endsWith('/') ? `${own}/` : own;
    const isLink = types[id] === ObjectType.symlink && !isDirectory;
    const alias = isLink ? (paths.at(leadsTo[id] as number) as string) : null;
    return { asked: listed ? path : path.replace(/\/$/, ''), path, alias };
  }

  /** Whom a redirect names. */
  redirectClaim(answer: FunctionResponse, viewer: Viewer, named: Named, expected: Expected): Claim {
    return this.roots.redirectClaim(answer, named, this.fallbackFor(viewer.scheme), expected);
  }

  /** Whom the list of candidates names. */
  listClaim(answer: FunctionResponse, viewer: Viewer, named: Named, expected: Expected): Claim {
    return this.roots.listClaim(answer, named, this.fallbackFor(viewer.scheme), expected);
  }

  /** Why this viewer must not be sent to this access point, whatever it asks for; '' where it may. */
  objection(claim: number, { country, scheme, ip }: Viewer): string {
    const place = this.roots.rootOf(claim);
    const { accessPoint, mirror, liveness } = this.evidence[place] as Evidence;
    const wanted = this.schemeFor(scheme);
    if (accessPoint.protocol !== wanted) return `is not ${wanted}`;
    if (this.#up[place] !== true) return mirror.drained ? 'is drained' : `is ${liveness.state}`;
    if (mirror.networks !== undefined && !isInside(ip, mirror.networks)) return 'serves its own networks alone';
    if (mirror.only !== undefined && !mirror.only.includes(country)) return `wants viewers of other countries`;
    if (mirror.never !== undefined && (country === '' || mirror.never.includes(country))) {
      return `wants no viewers of ${country === '' ? 'unknown countries' : country}`;
    }
    return '';
  }

  /** Whether the object, or what it leads to, is known to be there, as the claim says. */
  holds(claim: number, id: number): boolean {
    const named = this.roots.isAlias(claim) ? (this.#inventory.leadsTo[id] as number) : id;
    return this.evidence[this.roots.rootOf(claim)]?.presence[named] === Outcome.present;
  }

  /** Of the access point that a claim names. */
  url(claim: number): string {
    return this.evidence[this.roots.rootOf(claim)]?.accessPoint.url ?? '';
  }

  /** Whether somebody who is up, and takes viewers from everywhere, holds it for viewers over that scheme. */
  isHeldForAll(id: number, scheme: Scheme): boolean {
    const protocol = this.schemeFor(scheme);
    return this.evidence.some(
      ({ accessPoint, mirror, presence }, place) =>
        presence[id] === Outcome.present &&
        this.#up[place] === true &&
        accessPoint.protocol === protocol &&
        mirror.only === undefined &&
        mirror.never === undefined &&
        mirror.networks === undefined,
    );
  }

  /** Of the mirrors for viewers over `scheme`. */
  schemeFor(scheme: Scheme): Scheme {
    return this.#policy.upgrade ? 'https' : scheme;
  }

  fallbackFor(scheme: Scheme): string {
    const { fallback } = this.#policy;
    return this.schemeFor(scheme) === 'https' ? fallback.replace(/^http:/, 'https:') : fallback;
  }
}

/** By Node's own book-keeping of addresses, which the edge does not have. */
function isInside(ip: string, networks: readonly string[]): boolean {
  const inside = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    inside.addSubnet(address, Number(bits), familyOf(address));
  }
  return inside.check(ip, familyOf(ip));
}

function familyOf(ip: string): 'ipv4' | 'ipv6' {
  return isIPv6(ip) ? 'ipv6' : 'ipv4';
}
