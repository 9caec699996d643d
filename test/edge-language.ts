import { minify } from 'terser';

/** A node of ESTree (https://github.com/estree/estree), as terser gives it. */
interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Where a node stands. */
interface Place {
  readonly parent: Node | null;
  readonly key: string;
  /** Functions around it. */
  readonly depth: number;
  /** Within a call's arguments, but not in a function that is passed there. */
  readonly inArguments: boolean;
}

const words = (text: string) => new Set(text.trim().split(/\s+/));

// What cloudfront-js-2.0 documents, less what njs 0.7.9 lacks. What neither names is forbidden, known to work or not:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
const SYNTAX = words(`
  Program ImportDeclaration ImportDefaultSpecifier Identifier Literal TemplateLiteral TemplateElement FunctionDeclaration
  FunctionExpression ArrowFunctionExpression BlockStatement ExpressionStatement CallExpression NewExpression AwaitExpression
  VariableDeclaration VariableDeclarator ReturnStatement IfStatement ForStatement ForInStatement WhileStatement
  DoWhileStatement SwitchStatement SwitchCase BreakStatement ContinueStatement ThrowStatement TryStatement CatchClause
  LabeledStatement EmptyStatement SequenceExpression ConditionalExpression LogicalExpression BinaryExpression
  UnaryExpression UpdateExpression AssignmentExpression MemberExpression ObjectExpression Property ArrayExpression
  RestElement ThisExpression`);
const MODULES = words('cloudfront crypto querystring buffer');
const GLOBALS = words(`
  undefined NaN Infinity Object Array String Number Boolean Math JSON Date RegExp Promise Symbol Error EvalError RangeError
  ReferenceError SyntaxError TypeError URIError parseInt parseFloat isNaN isFinite encodeURI decodeURI encodeURIComponent
  decodeURIComponent ArrayBuffer DataView Uint8Array Int8Array Uint8ClampedArray Uint16Array Int16Array Uint32Array
  Int32Array Float32Array Float64Array TextEncoder TextDecoder Buffer console arguments`);
/** Of objects that njs' command line, Node or newer languages have more of. */
const MEMBERS: Readonly<Record<string, ReadonlySet<string>>> = {
  console: words('log'),
  Array: words('isArray of prototype'),
  Object: words(`assign create defineProperties defineProperty entries freeze getOwnPropertyDescriptor
    getOwnPropertyNames getPrototypeOf is isExtensible isFrozen isSealed keys preventExtensions prototype seal values`),
  Promise: words('all allSettled any race resolve reject'),
  Symbol: words('for keyFor'),
  Buffer: words('alloc byteLength compare concat from isBuffer'),
  String: words('fromCharCode fromCodePoint'),
};
/** Methods that some njs of the edge's age lacks, or that njs alone has. */
const METHODS = words(`
  at flat flatMap matchAll normalize replaceAll toSorted toReversed toSpliced with findLast findLastIndex isWellFormed
  toWellFormed localeCompare hasOwn fromEntries groupBy withResolvers getBigInt64 getBigUint64 setBigInt64 setBigUint64
  bytesFrom fromBytes fromUTF8 toBytes toUTF8 constructor __proto__ callee caller __defineGetter__ __defineSetter__`);
const HASHES = words('md5 sha1 sha256');
const DIGESTS = words('hex base64 base64url');

/**
 * What a function's text has that CloudFront Functions lack, a sentence each; none = it keeps to the edge's language.
 * It is the text that is published that counts: minifiers move code into places where it is not allowed.
 */
export async function languageFaults(code: string): Promise<string[]> {
  let ast: Node;
  try {
    const parsed = await minify(code, {
      module: true,
      compress: false,
      mangle: false,
      format: { spidermonkey: true, code: false } as object,
    });
    ast = (parsed as unknown as { ast: Node }).ast;
  } catch (error) {
    return [`cannot be parsed: ${(error as Error).message}`];
  }
  const declared = new Set<string>();
  walk(ast, TOP, (node, place) => {
    for (const name of declaredIn(node, place)) declared.add(name);
  });
  const faults = new Set<string>();
  walk(ast, TOP, (node, place) => {
    for (const fault of faultsOf(node, place, declared)) faults.add(fault);
  });
  const isHandler = (node: Node) => node.type === 'FunctionDeclaration' && nameOf(node['id']) === 'handler';
  if (!(ast['body'] as Node[]).some(isHandler)) faults.add('no function handler at the top');
  return [...faults];
}

const TOP: Place = { parent: null, key: '', depth: 0, inArguments: false };

function walk(node: Node, place: Place, visit: (node: Node, place: Place) => void): void {
  visit(node, place);
  const isFunction = /Function/.test(node.type);
  for (const [key, value] of Object.entries(node)) {
    const children = (Array.isArray(value) ? value : [value]).filter(isNode);
    const inside: Place = {
      parent: node,
      key,
      depth: place.depth + (isFunction ? 1 : 0),
      inArguments: !isFunction && (place.inArguments || key === 'arguments'),
    };
    for (const child of children) walk(child, inside, visit);
  }
}

function isNode(value: unknown): value is Node {
  return typeof (value as Node | null)?.type === 'string';
}

function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Identifier' ? (node['name'] as string) : undefined;
}

function declaredIn(node: Node, { parent, key }: Place): string[] {
  const name = nameOf(node);
  if (name === undefined || parent === null) return [];
  const declares =
    key === 'params' ||
    key === 'param' ||
    key === 'local' ||
    (key === 'id' && /Function|Declarator/.test(parent.type)) ||
    (key === 'argument' && parent.type === 'RestElement');
  return declares ? [name] : [];
}

function isReference({ parent, key }: Place): boolean {
  if (parent === null || key === 'label') return false;
  const isName =
    (parent.type === 'MemberExpression' && key === 'property') || (parent.type === 'Property' && key === 'key');
  return !isName || parent['computed'] === true;
}

function faultsOf(node: Node, place: Place, declared: ReadonlySet<string>): string[] {
  if (!SYNTAX.has(node.type)) return [`${node.type} is not of the edge’s language`];
  const check = CHECKS[node.type];
  if (node.type === 'Identifier')
    return isReference(place) ? globalFaults(node['name'] as string, place, declared) : [];
  return (check?.(node, place) ?? []).filter((fault) => fault !== '');
}

function globalFaults(name: string, { key }: Place, declared: ReadonlySet<string>): string[] {
  // Called with a module's name alone, and never handed on.
  if (name === 'require' && key === 'callee') return [];
  return declared.has(name) || GLOBALS.has(name) ? [] : [`${name} is not known at the edge`];
}

type Check = (node: Node, place: Place) => string[];

const functionFaults: Check = (node, { depth, key }) => [
  node['generator'] === true ? 'generators are not of the edge’s language' : '',
  // "async arguments and closures not supported"
  node['async'] === true && (depth > 0 || key !== 'body') ? 'an async function that is not at the top' : '',
];

const CHECKS: Readonly<Record<string, Check>> = {
  FunctionDeclaration: functionFaults,
  FunctionExpression: functionFaults,
  ArrowFunctionExpression: functionFaults,
  ImportDeclaration: (node) => {
    const module = (node['source'] as Node)['value'] as string;
    const isBare = (node['specifiers'] as Node[]).length === 0;
    return [MODULES.has(module) ? '' : `no module ${module} at the edge`, isBare ? 'an import without a name' : ''];
  },
  AwaitExpression: (_, { depth, inArguments }) => [
    depth === 0 ? 'await outside of a function' : '',
    inArguments ? 'await in arguments' : '',
  ],
  CatchClause: (node) => [node['param'] === null ? 'catch without a name' : ''],
  LogicalExpression: (node) => [node['operator'] === '??' ? '?? is not of the edge’s language' : ''],
  AssignmentExpression: (node) => [
    /^(\?\?|\|\||&&)=$/.test(node['operator'] as string) ? `${node['operator']} is not of the edge’s language` : '',
  ],
  // Not `shorthand`: terser says it of `{ a: a }` too; all njs know it.
  Property: (node) => [
    node['method'] === true || node['computed'] === true ? 'a property in a form newer than ECMAScript 5.1' : '',
  ],
  Literal: (node) => {
    const { bigint, regex } = node as { bigint?: string; regex?: { pattern: string; flags: string } };
    return [
      bigint === undefined ? '' : 'BigInt is not known at the edge',
      ...(regex === undefined ? [] : regexFaults(regex)),
    ];
  },
  MemberExpression: (node) => {
    const [object, property] = [nameOf(node['object']), propertyOf(node)];
    if (property === undefined) return [];
    const known = object === undefined ? undefined : MEMBERS[object];
    if (known !== undefined && !known.has(property)) return [`${object}.${property} is not known at the edge`];
    return [METHODS.has(property) ? `.${property} is not known at the edge` : ''];
  },
  CallExpression: callFaults,
  NewExpression: callFaults,
};

function propertyOf(member: Node): string | undefined {
  const property = member['property'] as Node;
  if (member['computed'] !== true) return nameOf(property);
  return typeof property['value'] === 'string' ? property['value'] : undefined;
}

function regexFaults({ pattern, flags }: { readonly pattern: string; readonly flags: string }): string[] {
  return [
    /^[gimy]*$/.test(flags) ? '' : `a regular expression with the flags ${flags}`,
    /\(\?<[=!]|\\[pP]\{/.test(pattern) ? 'a regular expression that looks behind, or at Unicode classes' : '',
    // Escaped characters, classes, and what is guarded set aside: PCRE, and so njs, takes a `$` for the end before a last LF.
    /\$/.test(pattern.replace(/\\.|\[(?:\\.|[^\]])*\]|\(\?!\\n\)\$/g, '')) && !flags.includes('m')
      ? 'a regular expression whose $ is also met before a last line break'
      : '',
  ];
}

/** Calls whose arguments decide whether the edge knows them. */
function callFaults(node: Node): string[] {
  const callee = node['callee'] as Node;
  const given = node['arguments'] as Node[];
  const first = given[0]?.['value'];
  const isLiteral = typeof first === 'string';
  switch (nameOf(callee) ?? (callee.type === 'MemberExpression' ? propertyOf(callee) : undefined)) {
    case 'require':
      return isLiteral && MODULES.has(first) && first !== 'cloudfront' ? [] : [`no module ${first} at the edge`];
    case 'createHash':
    case 'createHmac':
      return [isLiteral && HASHES.has(first) ? '' : `no hash ${first} at the edge`];
    case 'digest':
      return [given.length === 0 || (isLiteral && DIGESTS.has(first)) ? '' : `no digest as ${first} at the edge`];
    case 'RegExp': {
      const flags = given[1]?.['value'] ?? (given.length > 1 ? '?' : '');
      return regexFaults({ pattern: isLiteral ? first : '', flags: String(flags) });
    }
    case 'log':
      return [given.length > 1 ? 'console.log with several arguments' : ''];
    default:
      return [];
  }
}
