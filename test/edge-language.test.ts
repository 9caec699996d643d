import { describe, expect, it } from 'vitest';
import { bundleFunction } from '../edge-shim/bundle.ts';
import { languageFaults } from './edge-language.ts';
import { FALLBACK } from './small-build.ts';

const inHandler = (statements: string) => `import cf from 'cloudfront';
async function handler(event) { const kvs = cf.kvs(); let a = 1, b = {}, f = handler; ${statements}; return event.request; }`;

/** Each alone turns the gate red: what it is about, the statements, and a part of what the gate says. */
const FORBIDDEN: readonly (readonly [string, string, string])[] = [
  ['process', 'process.env.HOME', 'process is not known'],
  ['Function', 'new Function("return 1")()', 'Function is not known'],
  ['Function by another way', 'f.constructor("return 1")()', '.constructor is not known'],
  ['Function by a text', 'f["constructor"]("return 1")()', '.constructor is not known'],
  ['eval', 'eval("1")', 'eval is not known'],
  ['globalThis, through which all of these are reached', 'globalThis["process"]', 'globalThis is not known'],
  ['setTimeout', 'setTimeout(f, 1)', 'setTimeout is not known'],
  ['setImmediate', 'setImmediate(f)', 'setImmediate is not known'],
  ['clearTimeout', 'clearTimeout(1)', 'clearTimeout is not known'],
  ['fs', 'require("fs")', 'no module fs'],
  ['require handed on', 'const r = require; r("fs")', 'require is not known'],
  ['a module by a name that is worked out', 'require("cry" + "pto")', 'no module'],
  ['the network', 'fetch("https://a.example/")', 'fetch is not known'],
  ['XMLHttpRequest', 'new XMLHttpRequest()', 'XMLHttpRequest is not known'],
  ['njs', 'njs.version', 'njs is not known'],
  ['ngx', 'ngx.log(1)', 'ngx is not known'],
  ['print', 'print(1)', 'print is not known'],
  ['console.error', 'console.error(a)', 'console.error is not known'],
  ['console.dump', 'console.dump(a)', 'console.dump is not known'],
  ['console.log of several things', 'console.log(a, b)', 'several arguments'],
  ['Map', 'new Map()', 'Map is not known'],
  ['Set', 'new Set()', 'Set is not known'],
  ['WeakMap', 'new WeakMap()', 'WeakMap is not known'],
  ['Proxy', 'new Proxy(b, b)', 'Proxy is not known'],
  ['Reflect', 'Reflect.ownKeys(b)', 'Reflect is not known'],
  ['Intl', 'Intl.Collator()', 'Intl is not known'],
  ['URL', 'new URL("a:b")', 'URL is not known'],
  ['structuredClone', 'structuredClone(b)', 'structuredClone is not known'],
  ['BigInt', 'BigInt("1")', 'BigInt is not known'],
  ['a BigInt literal', 'a = 1n', 'BigInt is not known'],
  ['BigInt64Array', 'new BigInt64Array(1)', 'BigInt64Array is not known'],
  ['a name that nobody declares', 'a = undeclared', 'undeclared is not known'],
  ['for-of', 'for (const c of "ab") { a = c; }', 'ForOfStatement'],
  ['for-await', 'for await (const c of b) { a = c; }', 'ForOfStatement'],
  ['spread in a call', 'f(...b)', 'SpreadElement'],
  ['spread in an array', 'a = [...b]', 'SpreadElement'],
  ['spread in an object', 'a = { ...b }', 'SpreadElement'],
  ['destructuring of an object', 'const { c } = b; a = c', 'ObjectPattern'],
  ['destructuring of an array', 'const [c] = b; a = c', 'ArrayPattern'],
  ['a default parameter', 'a = function (c = 1) { return c; }', 'AssignmentPattern'],
  ['a class', 'class C {}; a = C', 'ClassDeclaration'],
  ['a generator', 'a = function* () {}', 'generators'],
  ['?.', 'a = b?.c', 'ChainExpression'],
  ['??', 'a = b ?? 1', '?? is not'],
  ['??=', 'a ??= 1', '??= is not'],
  ['||=', 'a ||= 1', '||= is not'],
  ['&&=', 'a &&= 1', '&&= is not'],
  ['catch without a name', 'try { f(); } catch { a = 2; }', 'catch without a name'],
  ['a method', 'a = { c() {} }', 'newer than ECMAScript 5.1'],
  ['a computed property', 'a = { ["c" + a]: 1 }', 'newer than ECMAScript 5.1'],
  ['a tagged template', 'f`x`', 'TaggedTemplateExpression'],
  ['new.target', 'a = new.target', 'MetaProperty'],
  ['a dynamic import', 'await import("crypto")', 'ImportExpression'],
  ['await in a call', 'f(await kvs.get("k"))', 'await in arguments'],
  ['await behind an argument', 'f(a, await kvs.get("k"))', 'await in arguments'],
  ['await deep in an argument', 'f([{ c: "x" + (await kvs.get("k")).d }])', 'await in arguments'],
  ['await in new', 'new Error(await kvs.get("k"))', 'await in arguments'],
  ['an async closure', 'a = async function () {}', 'an async function that is not at the top'],
  ['an async arrow as an argument', 'f(async () => 1)', 'an async function that is not at the top'],
  ['the s flag', 'a = /./s', 'flags s'],
  ['the u flag', 'a = /./u', 'flags u'],
  ['the s flag in a text', 'a = new RegExp(".", "s")', 'flags s'],
  ['an end before a line break', 'a = /^a$/', 'before a last line break'],
  ['looking behind', 'a = /(?<=b)c/', 'looks behind'],
  ['sha512', 'require("crypto").createHash("sha512")', 'no hash sha512'],
  ['a digest in latin1', 'require("crypto").createHash("md5").digest("latin1")', 'no digest as latin1'],
  ['Array.from', 'Array.from(b)', 'Array.from is not known'],
  ['Object.fromEntries', 'Object.fromEntries(b)', 'Object.fromEntries is not known'],
  ['Object.hasOwn', 'Object.hasOwn(b, "c")', 'Object.hasOwn is not known'],
  ['Promise.withResolvers', 'Promise.withResolvers()', 'Promise.withResolvers is not known'],
  ['String.bytesFrom', 'String.bytesFrom(b)', 'String.bytesFrom is not known'],
  ['String.raw', 'String.raw(b)', 'String.raw is not known'],
  ['Symbol.iterator', 'a = Symbol.iterator', 'Symbol.iterator is not known'],
  ...[
    'at',
    'flat',
    'flatMap',
    'matchAll',
    'normalize',
    'replaceAll',
    'toSorted',
    'findLast',
    'toUTF8',
    'getBigUint64',
  ].map((method) => [`.${method}`, `a = b.${method}(0)`, `.${method} is not known`] as const),
];

describe('the language of the edge', () => {
  it('is all that the built function speaks', async () => {
    expect(await languageFaults(await bundleFunction(FALLBACK))).toEqual([]);
  });

  it('has what its manual names', async () => {
    const allowed = inHandler(`
      try { a = await kvs.get('k', { format: 'json' }); } catch (e) { a = null; } finally { f; }
      const g = (x, ...rest) => x ** 2 + rest.length; const t = \`\${g(2, 3)}\`;
      label: for (const key in b) { if (b[key]) { continue label; } }
      b = { a: a, 'b-c': [1, , 2], get d() { return 1; } }; b.e = t.padStart(3).includes('x') ? 1 : 2;
      const hash = require('crypto').createHash('sha256').update(t).digest('hex');
      if (/^[a$]\\$(?!\\n)$/.test(b)) { console.log(b); }
      if (/(?<year>\\d{4})-x/gi.exec(hash) || Object.entries(b).length && Array.isArray(b)) { console.log(hash); }
      b = b[await kvs.get('k')]; (await kvs.get('k')).trim(); a = Math.imul(1, 2) + Number('0x10') + new Uint8Array(2)[0]`);
    expect(await languageFaults(allowed)).toEqual([]);
  });

  it.each(FORBIDDEN)('lacks %s', async (_, statements, said) => {
    const faults = await languageFaults(inHandler(statements));
    expect(faults.join('; ')).toContain(said);
    expect(await languageFaults(inHandler(''))).toEqual([]);
  });

  it.each([
    ['an export', `${inHandler('')} export { handler };`, 'ExportNamedDeclaration'],
    ['another module', `import fs from 'fs'; ${inHandler('fs')}`, 'no module fs'],
    ['a part of a module', `import { createHash } from 'crypto'; ${inHandler('createHash')}`, 'ImportSpecifier'],
    ['await at the top', `const c = await 1; ${inHandler('c')}`, 'await outside of a function'],
    ['another name than handler', 'function other() {}', 'no function handler'],
    ['what is no program', 'function handler( {', 'cannot be parsed'],
  ])('lacks %s', async (_, code, said) => {
    expect((await languageFaults(code)).join('; ')).toContain(said);
  });

  it('is left where the minifier may move an await into an argument list', async () => {
    const { minify } = await import('terser');
    const source = inHandler('const c = await kvs.get("k"); return f(c)');
    const moved = await minify(source, { module: true, compress: { top_retain: ['handler'], collapse_vars: true } });
    expect(await languageFaults(source)).toEqual([]);
    expect(await languageFaults(moved.code as string)).toContain('await in arguments');
  });
});
