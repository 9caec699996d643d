import { hash } from 'node:crypto';
import { FormatError, messageOf } from '../core/errors.ts';
import type { BuiltFunction } from '../core/function-event.ts';
import type { Tables } from './decide.ts';

const IMPORT = /^\s*import\s+([\w$]+)\s+from\s*["'](\w+)["'];?/;

/**
 * Runs a built CloudFront Function in Node over keys in memory. The text is taken as it will be published; only its
 * import lines are bound to stand-ins. Throws FormatError where it is not such a function.
 */
export function loadBuiltFunction(code: string, keys: ReadonlyMap<string, string>, file: string): BuiltFunction {
  const get = async (key: string): Promise<string> => {
    const value = keys.get(key);
    if (value === undefined) throw new Error('KeyNotFound');
    return value;
  };
  const modules: Record<string, unknown> = { cloudfront: { kvs: () => ({ get }) }, crypto: rememberingCrypto() };
  let body = code;
  const names: string[] = [];
  const values: unknown[] = [];
  for (let match = IMPORT.exec(body); match !== null; match = IMPORT.exec(body)) {
    names.push(match[1] as string);
    values.push(modules[match[2] as string]);
    body = body.slice(match[0].length);
  }
  try {
    return new Function(...names, `"use strict";${body};return handler;`)(...values) as BuiltFunction;
  } catch (error) {
    throw new FormatError(`${file}: not a built edge function (${messageOf(error)}); run "redirector build"`);
  }
}

/** Networks are as short (core/edge-keys.ts); few come, and each again and again. */
const MOST_CHARACTERS = 14;
const MOST_REMEMBERED = 1024;

/** As much of the edge's `crypto` as the function uses. Of short texts the digests are remembered. */
function rememberingCrypto() {
  const remembered = new Map<string, Buffer>();
  const digestOf = (algorithm: string, text: string): Buffer => {
    if (text.length > MOST_CHARACTERS) return digested(algorithm, text);
    const name = `${algorithm} ${text}`;
    const known = remembered.get(name);
    if (known !== undefined) return known;
    const digest = digested(algorithm, text);
    if (remembered.size < MOST_REMEMBERED) remembered.set(name, digest);
    return digest;
  };
  return {
    createHash: (algorithm: string) => ({
      update: (text: string) => ({ digest: () => digestOf(algorithm, text) }),
    }),
  };
}

/** By way of a text: it costs half of what a Buffer of its own does, which lies outside of the heap. */
function digested(algorithm: string, text: string): Buffer {
  return Buffer.from(hash(algorithm, text, 'binary'), 'binary');
}

/** The keys of a file in the KeyValueStore's import form. Throws FormatError. */
export function parseKeys(text: string, file: string): Map<string, string> {
  try {
    const { data } = JSON.parse(text) as { data: { key: string; value: string }[] };
    return new Map(data.map(({ key, value }) => [key, value]));
  } catch (error) {
    throw new FormatError(`${file}: not a key file (${messageOf(error)}); run "redirector build"`);
  }
}

/** Keys as `decide` reads them; no name of another kind leads anywhere. */
export function tablesOf(keys: Iterable<readonly [string, string]>): Tables {
  const tables: Tables = Object.create(null);
  for (const [key, value] of keys) tables[key] = value;
  return tables;
}
