import { isUtf8 } from 'node:buffer';
import { getStaticTOMLValue, type ParseError, parseTOML } from 'toml-eslint-parser';
import type * as z from 'zod';
import { quoted, UsageError } from './errors.ts';

type Key = string | number;
type Located = { readonly path: readonly Key[]; readonly line: number };

/** What is used of the parser's tree: tables with their resolved place, pairs of keys and values, arrays. */
interface Node {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number } };
  readonly resolvedKey?: readonly Key[];
  readonly key?: { readonly keys: readonly { readonly name?: string; readonly value?: string }[] };
  readonly value?: Node;
  readonly body?: readonly Node[];
  readonly elements?: readonly Node[];
}

/** Every table, key and array element with its place in the value and its line. */
function locate(node: Node, path: readonly Key[]): Located[] {
  const { line } = node.loc.start;
  switch (node.type) {
    case 'TOMLTable': {
      const own = node.resolvedKey ?? [];
      return [{ path: own, line }, ...(node.body ?? []).flatMap((child) => locate(child, own))];
    }
    case 'TOMLKeyValue': {
      const own = [...path, ...(node.key?.keys ?? []).map((key) => key.name ?? key.value ?? '')];
      return [{ path: own, line }, ...(node.value ? locate(node.value, own) : [])];
    }
    case 'TOMLArray':
      return (node.elements ?? []).flatMap((child, i) => locate(child, [...path, i]));
    default:
      return [{ path, line }, ...(node.body ?? []).flatMap((child) => locate(child, path))];
  }
}

/** The line on which a key stands, or the nearest of its parents where the key itself is missing. */
function lineOf(places: readonly Located[], path: readonly Key[]): number {
  const parents = places.filter((place) => place.path.every((key, i) => String(key) === String(path[i])));
  return parents.reduce((best, place) => (place.path.length > best.path.length ? place : best)).line;
}

function valueAt(value: unknown, path: readonly Key[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<Key, unknown> | undefined)?.[key], value);
}

/** A password in a URL is told to nobody, not even where it must not stand. */
function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^/@:]*):[^/@]*@/, '$1:…@');
}

function shownValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string'
    ? quoted(withoutPassword(value), 80)
    : quoted(JSON.stringify(value), 80).slice(1, -1);
}

/** As it would be written: `mirror."mirror.example.org".places[2].country`, counted from 1. */
function keyName(path: readonly Key[]): string {
  const pieces = path.map((key) => {
    if (typeof key === 'number') return `[${key + 1}]`;
    return `.${/^[A-Za-z0-9_-]+$/.test(key) ? key : quoted(key, 80)}`;
  });
  return pieces.join('').replace(/^\./, '');
}

/** The text of a TOML file, without a byte order mark. Throws UsageError where its bytes are not UTF-8 (TOML 1.0, "Spec"). */
export function tomlText(bytes: Uint8Array, file: string): string {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  // No character of several bytes holds a line break.
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  const line = 1 + lines.findIndex((text) => !isUtf8(Buffer.from(text, 'latin1')));
  throw new UsageError(`${file}:${line}: not UTF-8; save the file in that encoding`);
}

/**
 * Parses and validates a TOML text. Throws UsageError with a line for every problem: file, line, key, what was found,
 * what is allowed. Schemas should be strict, so that an unknown key is a problem too.
 */
export function parseToml<T extends z.ZodType>(text: string, schema: T, file: string): z.output<T> {
  let places: Located[];
  let value: unknown;
  try {
    const ast = parseTOML(text);
    places = locate(ast.body[0] as unknown as Node, []);
    value = getStaticTOMLValue(ast);
  } catch (error) {
    const { lineNumber, message } = error as ParseError;
    throw new UsageError(`${file}:${lineNumber ?? 1}: not valid TOML: ${message}`);
  }
  // The parser's values lose this key, or take it for their prototype: no schema would see it.
  const lost = places.find(({ path }) => path.includes('__proto__'));
  if (lost) throw new UsageError(`${file}:${lost.line}: ${keyName(lost.path)}: unknown key`);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => {
    const path = issue.path as Key[];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => {
        const at = [...path, key];
        return `${file}:${lineOf(places, at)}: ${keyName(at)}: unknown key; allowed here: ${allowedKeys(schema, path)}`;
      });
    }
    const found = shownValue(valueAt(value, path));
    return [`${file}:${lineOf(places, path)}: ${keyName(path) || 'the file'}: found ${found}; ${issue.message}`];
  });
  throw new UsageError(problems.join('\n'));
}

function allowedKeys(schema: z.ZodType, path: readonly Key[]): string {
  let at: unknown = schema;
  const unwrap = (s: unknown): { shape?: Record<string, unknown>; element?: unknown; valueType?: unknown } => {
    let inner = s as { def?: { innerType?: unknown; in?: unknown } };
    while (inner?.def?.innerType ?? inner?.def?.in) inner = (inner.def.innerType ?? inner.def.in) as typeof inner;
    return inner as ReturnType<typeof unwrap>;
  };
  for (const key of path) {
    const { shape, element, valueType } = unwrap(at);
    at = typeof key === 'number' ? element : (shape?.[key] ?? valueType);
  }
  return Object.keys(unwrap(at).shape ?? {}).join(', ') || 'none';
}
