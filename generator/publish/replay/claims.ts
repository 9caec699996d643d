import { quoted } from '../../../core/errors.ts';
import type { FunctionResponse } from '../../../core/function-event.ts';

/**
 * Whom an answer sends to, in its order; none for the fallback: the number of a root, plus the number of all roots where
 * it is for the file that the object's link leads to. A text says what is wrong.
 */
export type Claim = readonly number[] | string;

/** The claims that an answer should be; null = whatever it says of itself, in `x-redirector`. */
export type Expected = readonly number[] | null;

export function isWrong(claim: Claim): claim is string {
  return typeof claim === 'string';
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

/** What answers may lead to: URL roots, numbered in their order. */
export class Roots {
  readonly count: number;
  readonly #numberOf: ReadonlyMap<string, number>;

  /** Each URL ends in a slash. */
  constructor(urls: readonly string[]) {
    this.count = urls.length;
    this.#numberOf = new Map(urls.map((url, number) => [url, number]));
  }

  /** Of which root a claim is, whatever it names there. */
  rootOf(claim: number): number {
    return claim % this.count;
  }

  isAlias(claim: number): boolean {
    return claim >= this.count;
  }

  /** The claim that the file, to which a link leads, is at the root of another claim. */
  aliasOf(claim: number): number {
    return claim + this.count;
  }

  /**
   * Whom a redirect names. `fallback` is the viewer's, with a trailing slash. A location may be read in several ways, as
   * where the fallback is a mirror too: what is expected comes first.
   */
  redirectClaim(answer: FunctionResponse, named: Named, fallback: string, expected: Expected): Claim {
    const location = answer.headers['location']?.value;
    if (answer.statusCode !== 302 || location === undefined) return `status ${answer.statusCode} is no redirect`;
    const claim = this.#claimOf(location, named, expected);
    if (location === fallback + named.asked && !isMirrorMeant(claim, answer, expected)) return [];
    return claim === undefined ? strange(location) : [claim];
  }

  /** Whom the list of candidates names, as a text (`?mirrorlist`); read as a redirect is. */
  listClaim(answer: FunctionResponse, named: Named, fallback: string, expected: Expected): Claim {
    const { statusCode, body = '' } = answer;
    if (statusCode !== 200) return `status ${statusCode} is no list`;
    const claims: number[] = [];
    for (let start = 0, end = 0; start < body.length; start = end + 1) {
      end = body.indexOf('\n', start);
      if (end < 0) end = body.length;
      if (end === start || body.charCodeAt(start) === HASH) continue;
      const url = body.slice(start, end);
      const claim = this.#claimOf(url, named, expected);
      const isFallback = claims.length === 0 && url === fallback + named.asked && isAlone(body, end);
      if (isFallback && !isMirrorMeant(claim, answer, expected)) return [];
      if (claim === undefined) return strange(url);
      claims.push(claim);
    }
    return claims.length === 0 ? 'the list is empty' : claims;
  }

  #claimOf(url: string, { path, alias }: Named, expected: Expected): number | undefined {
    const own = this.#numberAt(url, path);
    if (alias === null || (own !== undefined && expected?.includes(own) !== false)) return own;
    const number = this.#numberAt(url, alias);
    const aliased = number === undefined ? undefined : this.aliasOf(number);
    return own === undefined || (aliased !== undefined && expected?.includes(aliased)) ? aliased : own;
  }

  #numberAt(url: string, path: string): number | undefined {
    return url.endsWith(path) ? this.#numberOf.get(url.slice(0, url.length - path.length)) : undefined;
  }
}

/** Of a location that is the fallback's: whether it is meant as a mirror's. */
function isMirrorMeant(claim: number | undefined, { headers }: FunctionResponse, expected: Expected): boolean {
  if (claim === undefined) return false;
  return expected?.includes(claim) ?? headers['x-redirector']?.value.startsWith('fallback: ') !== true;
}

function strange(url: string): string {
  return `${quoted(url)} is neither the fallback nor an access point`;
}

/** Whether only lines with `#` follow. */
function isAlone(body: string, end: number): boolean {
  return !/\n[^#\n]/.test(body.slice(end));
}

const HASH = 35;
