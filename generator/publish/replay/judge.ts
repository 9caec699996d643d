import { BlockList, isIPv6 } from 'node:net';
import { quoted } from '../../../core/errors.ts';
import type { FunctionResponse } from '../../../core/function-event.ts';
import { Outcome } from '../../../core/observations.ts';
import type { Evidence } from '../../maps/evidence.ts';
import { isUp } from '../figures.ts';
import type { Scheme, Viewer } from './event.ts';

/** Places in `Judge.evidence` that an answer sends to, in its order; none for the fallback. A text says what is wrong. */
export type Claim = readonly number[] | string;

/**
 * What is true of an answer, by the evidence alone: nothing of the keys, classes or tables that the answer came from.
 * Presence of an object at an access point is `evidence[place].presence[id]`.
 */
export class Judge {
  readonly evidence: readonly Evidence[];
  readonly #fallback: string;
  readonly #byUrl: ReadonlyMap<string, number>;
  readonly #up: readonly boolean[];

  constructor(evidence: readonly Evidence[], fallback: string) {
    this.evidence = evidence;
    this.#fallback = fallback;
    this.#byUrl = new Map(evidence.map(({ accessPoint }, place) => [accessPoint.url, place]));
    this.#up = evidence.map(isUp);
  }

  /** Whom a redirect names. `asked` is the path as it was asked for, `target` that of the object. */
  redirectClaim({ statusCode, headers }: FunctionResponse, viewer: Viewer, asked: string, target: string): Claim {
    const location = headers['location']?.value;
    if (statusCode !== 302 || location === undefined) return `status ${statusCode} is no redirect`;
    if (location === this.fallbackFor(viewer.scheme) + asked) return [];
    const place = this.#placeOf(location, target);
    return place === undefined ? `${quoted(location)} is neither the fallback nor an access point` : [place];
  }

  /** Whom the list of candidates names, as a text (`?mirrorlist`). */
  listClaim({ statusCode, body = '' }: FunctionResponse, viewer: Viewer, target: string): Claim {
    if (statusCode !== 200) return `status ${statusCode} is no list`;
    const urls = body.split('\n').filter((line) => line !== '' && line.charCodeAt(0) !== HASH);
    if (urls.length === 1 && urls[0] === this.fallbackFor(viewer.scheme) + target) return [];
    const places = urls.map((url) => this.#placeOf(url, target));
    const strange = places.indexOf(undefined);
    if (strange >= 0) return `${quoted(urls[strange] as string)} is neither the fallback nor an access point`;
    return urls.length === 0 ? 'the list is empty' : (places as number[]);
  }

  /** Why this viewer must not be sent to this access point, whatever it asks for; '' where it may. */
  objection(place: number, { country, scheme, ip }: Viewer): string {
    const { accessPoint, mirror, liveness } = this.evidence[place] as Evidence;
    if (accessPoint.protocol !== scheme) return `is not ${scheme}`;
    if (this.#up[place] !== true) return mirror.drained ? 'is drained' : `is ${liveness.state}`;
    if (mirror.networks !== undefined && !isInside(ip, mirror.networks)) return 'serves its own networks alone';
    if (mirror.only !== undefined && !mirror.only.includes(country)) return `wants viewers of other countries`;
    if (mirror.never !== undefined && (country === '' || mirror.never.includes(country))) {
      return `wants no viewers of ${country === '' ? 'unknown countries' : country}`;
    }
    return '';
  }

  holds(place: number, id: number): boolean {
    return this.evidence[place]?.presence[id] === Outcome.present;
  }

  /** Whether somebody who is up, and takes viewers from everywhere, holds it over that scheme. */
  isHeldForAll(id: number, scheme: Scheme): boolean {
    return this.evidence.some(
      ({ accessPoint, mirror, presence }, place) =>
        presence[id] === Outcome.present &&
        this.#up[place] === true &&
        accessPoint.protocol === scheme &&
        mirror.only === undefined &&
        mirror.never === undefined &&
        mirror.networks === undefined,
    );
  }

  fallbackFor(scheme: Scheme): string {
    return scheme === 'https' ? this.#fallback.replace(/^http:/, 'https:') : this.#fallback;
  }

  #placeOf(url: string, target: string): number | undefined {
    return url.endsWith(target) ? this.#byUrl.get(url.slice(0, url.length - target.length)) : undefined;
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
