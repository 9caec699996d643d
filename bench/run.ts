import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchBuild } from './build.bench.ts';
import { benchDecide } from './decide.bench.ts';
import { benchFtp } from './ftp.bench.ts';
import { benchHead } from './head.bench.ts';
import { benchHttp2 } from './http2.bench.ts';
import { benchKeys } from './keys.bench.ts';
import { benchKnown } from './known.bench.ts';
import { benchLatency } from './latency.bench.ts';
import { benchListing } from './listing.bench.ts';
import { benchPass } from './pass.bench.ts';
import { benchProbe } from './probe.bench.ts';
import { benchPublish } from './publish.bench.ts';
import { benchRsync } from './rsync.bench.ts';
import { benchServer } from './server.bench.ts';
import { benchSftp } from './sftp.bench.ts';
import { benchSize } from './size.bench.ts';
import { benchState } from './state.bench.ts';
import { benchStore } from './store.bench.ts';
import { prepareTree } from './tree.ts';
import { benchViewers } from './viewers.bench.ts';

/** Runs the benches that are named on the command line, or all: `npm run bench -- head build`. */
const benches = {
  pass: benchPass,
  size: benchSize,
  head: benchHead,
  latency: benchLatency,
  http2: benchHttp2,
  rsync: benchRsync,
  listing: benchListing,
  ftp: benchFtp,
  sftp: benchSftp,
  probe: benchProbe,
  build: benchBuild,
  publish: benchPublish,
  state: benchState,
  store: benchStore,
  known: benchKnown,
  keys: benchKeys,
  viewers: benchViewers,
  decide: benchDecide,
  server: benchServer,
} as const;
/** They bring names of their own. */
const WITHOUT_TREE = new Set(['store', 'known', 'keys', 'viewers', 'decide']);

const ROUNDS = Number(process.env['REDIRECTOR_BENCH_ROUNDS'] || 5);
const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in benches));
if (unknown !== undefined) {
  console.error(`no bench ${unknown}; there are: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'redirector-bench-'));
try {
  const chosen = Object.keys(benches).filter((name) => names.length === 0 || names.includes(name));
  const tree = chosen.every((name) => WITHOUT_TREE.has(name)) ? { root: '', from: 'no tree' } : prepareTree(folder);
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}; ${tree.from}\n`);
  for (const [name, bench] of Object.entries(benches)) {
    if (!chosen.includes(name)) continue;
    console.log(`${await bench(tree, folder, ROUNDS)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
