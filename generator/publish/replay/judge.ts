import { BlockList, isIPv6 } from 'node:net';
import { quoted } from '../../../core/errors.ts';
import type { FunctionResponse } from '../../../core/function-event.ts';
import { type Inventory, isDirectoryLike, ObjectType, requestPath } from '../../../core/inventory.ts';
import { Outcome } from '../../../core/observations.ts';
import { type Evidence, isUp } from '../../maps/evidence.ts';
import type { Scheme, Viewer } from './event.ts';

/**
 * Whom an answer sends to, in its order; none for the fallback: the place in `Judge.evidence`, plus the number of places
 * where it is for the file that the object's link leads to. A text says what is wrong.
 */
export type Claim = readonly number[] | string;

/** What the edge is told to do. */
export interface Policy {
  /** Where unknown objects go, with a trailing slash. */
  readonly fallback: string;
  /** Viewers over http are sent to https. */
  readonly upgrade: boolean;
}

/** An object, as an answer may name it. */
export interface Named {
  /** As it was asked for. */
  readonly asked: string;
  /** The object's own path, with the slash of a directory. */
  readonly path: string;
  /** That of the file that the object, a link, leads to; null = it is none. */
  readonly alias: string | null;
}

/**
 * What is true of an answer, by the evidence alone: nothing of the keys, classes or tables that the answer came from.
 * Presence of an object at an access point is `evidence[place].presence[id]`.
 */
export class Judge {
  readonly evidence: readonly Evidence[];
  readonly #inventory: Inventory;
  readonly #policy: Policy;
  readonly #byUrl: ReadonlyMap<string, number>;
  readonly #up: readonly boolean[];

  constructor({ evidence, inventory }: { evidence: readonly Evidence[]; inventory: Inventory }, policy: Policy) {
    this.evidence = evidence;
    this.#inventory = inventory;
    this.#policy = policy;
    this.#byUrl = new Map(evidence.map(({ accessPoint }, place) => [accessPoint.url, place]));
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
  redirectClaim({ statusCode, headers }: FunctionResponse, viewer: Viewer, named: Named): Claim {
    const location = headers['location']?.value;
    if (statusCode !== 302 || location === undefined) return `status ${statusCode} is no redirect`;
    if (location === this.fallbackFor(viewer.scheme) + named.asked) return [];
    const claim = this.#claimOf(location, named);
    return claim === undefined ? `${quoted(location)} is neither the fallback nor an access point` : [claim];
  }

  /** Whom the list of candidates names, as a text (`?mirrorlist`). */
  listClaim({ statusCode, body = '' }: FunctionResponse, viewer: Viewer, named: Named): Claim {
    if (statusCode !== 200) return `status ${statusCode} is no list`;
    const urls = body.split('\n').filter((line) => line !== '' && line.charCodeAt(0) !== HASH);
    if (urls.length === 1 && urls[0] === this.fallbackFor(viewer.scheme) + named.asked) return [];
    const claims = urls.map((url) => this.#claimOf(url, named));
    const strange = claims.indexOf(undefined);
    if (strange >= 0) return `${quoted(urls[strange] as string)} is neither the fallback nor an access point`;
    return urls.length === 0 ? 'the list is empty' : (claims as number[]);
  }

  /** Why this viewer must not be sent to this access point, whatever it asks for; '' where it may. */
  objection(claim: number, { country, scheme, ip }: Viewer): string {
    const place = this.placeOf(claim);
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
    const place = this.placeOf(claim);
    const named = claim === place ? id : (this.#inventory.leadsTo[id] as number);
    return this.evidence[place]?.presence[named] === Outcome.present;
  }

  placeOf(claim: number): number {
    return claim % this.evidence.length;
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

  #claimOf(url: string, { path, alias }: Named): number | undefined {
    const own = this.#placeOf(url, path);
    if (own !== undefined || alias === null) return own;
    const place = this.#placeOf(url, alias);
    return place === undefined ? undefined : place + this.evidence.length;
  }

  #placeOf(url: string, path: string): number | undefined {
    return url.endsWith(path) ? this.#byUrl.get(url.slice(0, url.length - path.length)) : undefined;
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

const HASH = 35;
