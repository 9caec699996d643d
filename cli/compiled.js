import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, 'node_modules', '.cache', 'redirector');
const ROOMS = ['checker', 'cli', 'core', 'demo', 'edge-shim', 'generator', 'site'];
/** Written by npm whenever it installs. */
const PACKAGES = join('node_modules', '.package-lock.json');
/** So many because a program that runs may still want a part of its own version. */
const KEPT_VERSIONS = 32;

/**
 * The URL of the program as JavaScript. It is compiled once after each change of its sources, in a third of a second;
 * with TypeScript loaded file by file each command would start 0.2 s later. Null where there is no place to keep it, as
 * in a folder that can't be written to.
 */
export async function compiledProgram() {
  const folder = join(cache, versionOf(sources()));
  try {
    if (!existsSync(folder)) await compile(folder);
    return pathToFileURL(join(folder, 'redirector.js')).href;
  } catch (error) {
    if (error.syscall === undefined) throw error;
    return null;
  }
}

function sources() {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true }).map((name) => join(room, name)),
  );
  const installed = [PACKAGES].filter((file) => existsSync(join(root, file)));
  return ['redirector.ts', ...files.filter((file) => /(?<!\.test)\.[jt]s$/.test(file)).sort(), ...installed];
}

/** Changes with the place, names, sizes and times of sources and packages, which are quicker to have than their bytes. */
function versionOf(files) {
  const hash = createHash('sha256').update(root);
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Beside its place and then renamed: two that start at once do not see each other's half. */
async function compile(folder) {
  const { build } = await import('esbuild');
  await mkdir(cache, { recursive: true });
  const outdir = mkdtempSync(join(cache, 'new-'));
  await build({
    entryPoints: [join(root, 'redirector.ts')],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'linked',
    sourcesContent: false,
    // Less to read at each start; names stay, for a person who reads a stack.
    minifyWhitespace: true,
    banner: { js: WITH_REQUIRE },
    logLevel: 'silent',
    plugins: [ownUrls, packages],
  });
  try {
    renameSync(outdir, folder);
  } catch (error) {
    rmSync(outdir, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  forgetOldVersions();
}

/** A source that asks where it lies wants the files beside it, which stay there. */
const ownUrls = {
  name: 'own-urls',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'ts' };
    });
  },
};

/**
 * What most commands need is taken in with its own packages, and less what nobody uses: to find and load a package's many
 * files takes a command up to 60 ms and 12 MB. All others stay where they are.
 */
const TAKEN_IN = new Set([
  'basic-ftp',
  'cli-progress',
  'commander',
  'htmlparser2',
  'msgpackr',
  'p-queue',
  'toml-eslint-parser',
  'undici',
  'zod',
]);

const packages = {
  name: 'packages',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      const isTakenIn = TAKEN_IN.has(path.split('/')[0]) || importer.includes('/node_modules/');
      return kind === 'entry-point' || isTakenIn ? undefined : { path, external: true };
    });
  },
};

/** Packages in the older module format call it for Node's own. */
const WITH_REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

function forgetOldVersions() {
  const versions = readdirSync(cache).map((name) => ({ name, mtimeMs: statSync(join(cache, name)).mtimeMs }));
  versions.sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { name } of versions.slice(KEPT_VERSIONS)) rmSync(join(cache, name), { recursive: true, force: true });
}
