import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'terser';
import { RunError, UsageError } from '../core/errors.ts';

/** CloudFront takes 10 KB; whether that is 10,000 or 10,240 bytes is not said, so a margin. */
export const MAX_FUNCTION_BYTES = 9_500;

// What cloudfront-js-2.0 has beyond ECMAScript 5.1; esbuild refuses the rest of a newer language.
const SUPPORTED = {
  'const-and-let': true,
  arrow: true,
  'template-literal': true,
  'async-await': true,
  'exponent-operator': true,
  'rest-argument': true,
};

/**
 * The CloudFront Function's source, ready to publish: one file of plain cloudfront-js-2.0 with a top-level `handler`.
 * `fallback` is the URL unknown objects go to. Throws UsageError where it is no http(s) URL, RunError over 9,500 bytes.
 */
export async function bundleFunction(fallback: string): Promise<string> {
  const base = fallbackBase(fallback);
  const bundled = await build({
    entryPoints: [fileURLToPath(new URL('./adapters/cloudfront.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es5',
    supported: SUPPORTED,
    external: ['cloudfront', 'crypto'],
    define: { FALLBACK: JSON.stringify(base) },
    treeShaking: true,
    logLevel: 'silent',
  });
  const source = (bundled.outputFiles[0] as { text: string }).text.replace(/export\s*\{[^}]*\};?\s*$/, '');
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
    mangle: { toplevel: true, reserved: ['handler'] },
    format: { ecma: 5 },
  });
  if (code === undefined || code.length > MAX_FUNCTION_BYTES) {
    throw new RunError(`the edge function has ${code?.length ?? 0} bytes, more than ${MAX_FUNCTION_BYTES}`);
  }
  return code;
}

function fallbackBase(fallback: string): string {
  const url = URL.canParse(fallback) ? new URL(fallback) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new UsageError(`fallback: ${JSON.stringify(fallback)} is not an http or https URL without query`);
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}
