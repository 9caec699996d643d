import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import Module, { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Script } from 'node:vm';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, 'node_modules', '.cache', 'redirector');
const ROOMS = ['checker', 'cli', 'core', 'demo', 'edge-shim', 'generator', 'site'];
const PROGRAM = 'redirector.cjs';
/** Written by npm whenever it installs. */
const PACKAGES = join('node_modules', '.package-lock.json');
const KEPT_VERSIONS = 4;

/**
 * The program from one file of JavaScript: `main`, and `keepCode`, to be called when it is done. It is compiled once after
 * each change of its sources, in a third of a second, and the code that V8 makes for a command is kept too: with TypeScript
 * loaded file by file each command would start 0.2 s later. Null where there is no place to keep it, as in a folder that
 * can't be written to.
 */
export async function compiledProgram(command = '') {
  const folder = join(cache, versionOf(sources()));
  try {
    if (!existsSync(folder)) await compile(folder);
    return load(folder, /^[a-z]+$/.test(command) ? command : 'none');
  } catch (error) {
    if (error.syscall === undefined) throw error;
    return null;
  }
}

function load(folder, command) {
  const file = join(folder, PROGRAM);
  const code = join(folder, `${command}-${process.version}-${process.arch}.code`);
  const script = new Script(Module.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    cachedData: existsSync(code) ? readFileSync(code) : undefined,
  });
  // Code that was kept has forgotten who imports for it.
  const module = { exports: {}, import: (name) => import(name) };
  script.runInThisContext()(module.exports, createRequire(file), module, file, folder);
  const isKept = script.cachedDataRejected === false;
  return { main: module.exports.main, keepCode: () => isKept || keep(code, script.createCachedData()) };
}

/** For others that start at the same time it is there as a whole or not. Who can't keep it starts a little later. */
function keep(file, bytes) {
  const beside = `${file}.${process.pid}`;
  try {
    writeFileSync(beside, bytes);
    renameSync(beside, file);
  } catch {
    rmSync(beside, { force: true });
  }
}

function sources() {
  const installed = existsSync(join(root, PACKAGES)) ? [PACKAGES] : [];
  return ['redirector.ts', ...ROOMS.flatMap(sourcesIn), ...installed];
}

/** Node's own recursive listing takes ten times as long. */
function sourcesIn(folder) {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesIn(path);
    return /(?<!\.test)\.[jt]s$/.test(path) ? [path] : [];
  });
}

/** Changes with the place, names, sizes and times of sources and packages, which are quicker to have than their bytes. */
function versionOf(files) {
  const lines = files.map((file) => {
    const { size, mtimeMs } = statSync(root + file);
    return `${file}\0${size}\0${mtimeMs}`;
  });
  return createHash('sha256')
    .update([root, ...lines.sort()].join('\0'))
    .digest('hex')
    .slice(0, 16);
}

/** Beside its place and then renamed: two that start at once do not see each other's half. */
async function compile(folder) {
  const { build } = await import('esbuild');
  mkdirSync(cache, { recursive: true });
  const outdir = mkdtempSync(join(cache, 'new-'));
  await build({
    entryPoints: [join(root, 'redirector.ts')],
    outfile: join(outdir, PROGRAM),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'linked',
    sourcesContent: false,
    // Less to read at each start; names stay, for a person who reads a stack.
    minifyWhitespace: true,
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

/**
 * A source that asks where it lies wants the files beside it, which stay there; and one that imports a package when it is
 * needed, which is not taken in, does so by the one who loads the program.
 */
const ownUrls = {
  name: 'own-urls',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll(/\bawait import\('(?!\.)/g, "await module.import('");
      return { contents, loader: 'ts' };
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

function forgetOldVersions() {
  const versions = readdirSync(cache).map((name) => ({ name, mtimeMs: statSync(join(cache, name)).mtimeMs }));
  versions.sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { name } of versions.slice(KEPT_VERSIONS)) rmSync(join(cache, name), { recursive: true, force: true });
}
