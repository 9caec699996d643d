import { fileURLToPath } from 'node:url';
import { type BuildOptions, type BuildResult, build, type OutputFile } from 'esbuild';
import { minify } from 'terser';
import { messageOf, RunError, UsageError } from '../core/errors.ts';
import { zipOf } from './zip.ts';

/** CloudFront takes 10 KB; whether that is 10,000 or 10,240 bytes is not said, so a margin. */
export const MAX_FUNCTION_BYTES = 9_500;

/** Lambda@Edge takes packages of 1 MB at viewer events. */
export const MAX_LAMBDA_BYTES = 1_000_000;

// What cloudfront-js-2.0 has beyond ECMAScript 5.1; esbuild refuses the rest of a newer language.
const SUPPORTED = {
  'const-and-let': true,
  arrow: true,
  'template-literal': true,
  'async-await': true,
  'exponent-operator': true,
  'rest-argument': true,
};

/** Properties that only our own code reads: neither the platform's nor of an answer. They are shortened. */
const OWN_NAMES = new RegExp(
  `^(?:${[
    ...[
      'kind',
      'holders',
      'aliasPath',
      'region',
      'isElsewhere',
      'leftOut',
      'whyNot',
      'stale',
      'known',
      'found',
      'meta',
      'table',
    ],
    ...['epoch', 'bucketCount', 'staleAfterS', 'upgrade', 'up', 'zones', 'shards', 'root', 'isAlias', 'ipv6'],
    ...['classId', 'lacksSlash', 'aliasSlot', 'aliasClassId', 'slot', 'name', 'form', 'https', 'status', 'description'],
    ...['bucketHash', 'pathHash', 'network', 'networkHash', 'shardHash', 'subdivision', 'forwardedProto'],
  ].join('|')})$`,
);

/**
 * The CloudFront Function's source, ready to publish: one file of plain cloudfront-js-2.0 with a top-level `handler`.
 * `fallback` is the URL unknown objects go to. Throws UsageError where it is no http(s) URL, RunError over 9,500 bytes.
 */
export async function bundleFunction(fallback: string): Promise<string> {
  const module = await bundled('cloudfront', fallback, { format: 'esm', target: 'es5', supported: SUPPORTED });
  const source = module.replace(/export\s*\{[^}]*\};?\s*$/, '');
  const { code } = await minify(source, {
    ecma: 5,
    module: true,
    compress: {
      ecma: 5,
      toplevel: true,
      top_retain: ['handler'],
      // Both move code into places the edge's parser refuses: an await into an argument list, a function into an arrow.
      collapse_vars: false,
      arrows: false,
      passes: 2,
    },
    mangle: {
      toplevel: true,
      reserved: ['handler'],
      properties: { regex: OWN_NAMES, keep_quoted: true, builtins: true },
    },
    format: { ecma: 5 },
  });
  if (code === undefined || code.length > MAX_FUNCTION_BYTES) {
    throw new RunError(`the edge function has ${code?.length ?? 0} bytes, more than ${MAX_FUNCTION_BYTES}`);
  }
  return code;
}

/** The module for nginx with njs, which speaks the edge's language. Throws UsageError as `bundleFunction`. */
export async function bundleNginx(fallback: string): Promise<string> {
  const source = await bundled('nginx', fallback, { format: 'esm', target: 'es5', supported: SUPPORTED });
  // njs knows no other export than this.
  return source.replace(/export\s*\{\s*(\w+) as default\s*\};?\s*$/, 'export default $1;\n');
}

/** A CommonJS module for Node 20 that reads `kvs.json` beside it. Throws UsageError as `bundleFunction`. */
export function bundleNode(adapter: 'lambda-edge' | 'openfaas', fallback: string): Promise<string> {
  // OpenFaaS' template requires the function itself.
  const footer = adapter === 'openfaas' ? { js: 'module.exports = module.exports.default;' } : {};
  return bundled(adapter, fallback, { format: 'cjs', platform: 'node', target: 'node20', minify: true, footer });
}

/** A map of which a platform can't take a package. */
export class PackageTooLarge extends RunError {}

/** The package for Lambda@Edge, with the keys in their import form. Throws PackageTooLarge where it is over 1 MB. */
export async function lambdaPackage(keys: string, fallback: string): Promise<Buffer> {
  const zip = zipOf({ 'index.js': await bundleNode('lambda-edge', fallback), 'kvs.json': keys });
  if (zip.length > MAX_LAMBDA_BYTES) {
    throw new PackageTooLarge(`the Lambda@Edge package has ${zip.length} bytes, more than ${MAX_LAMBDA_BYTES}`);
  }
  return zip;
}

/** Throws RunError where esbuild's process was ended in the midst of it, as by the Ctrl-C that its whole group gets. */
async function built(options: BuildOptions): Promise<BuildResult> {
  try {
    return await build(options);
  } catch (error) {
    if (!/^The service (?:was stopped|is no longer running)/.test(messageOf(error))) throw error;
    throw new RunError('esbuild, which makes the edge function, was ended in the midst of it; run it again');
  }
}

async function bundled(adapter: string, fallback: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await built({
    entryPoints: [fileURLToPath(new URL(`./adapters/${adapter}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    external: ['cloudfront', 'crypto'],
    define: { FALLBACK: JSON.stringify(fallbackBase(fallback)) },
    treeShaking: true,
    logLevel: 'silent',
    ...options,
  });
  return ((outputFiles as OutputFile[])[0] as OutputFile).text;
}

function fallbackBase(fallback: string): string {
  const url = URL.canParse(fallback) ? new URL(fallback) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new UsageError(`fallback: ${JSON.stringify(fallback)} is not an http or https URL without query`);
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}
