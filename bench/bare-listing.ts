import { httpListing } from '../checker/methods/http-listing.ts';
import { Acquaintance } from '../checker/net/acquaintance.ts';
import { HostBudgets } from '../checker/net/host-budget.ts';
import { readLeader } from '../core/node/leader-files.ts';

/** The listing alone, once: `bare-listing.ts OUTPUT` prints the milliseconds from the first request to the last verdict. */
const { inventory, mirrors } = readLeader(process.argv[2] as string);
const accessPoint = mirrors.mirrors[0]?.accessPoints[0];
if (accessPoint === undefined) throw new Error('no access point');
const index = new Map(inventory.paths.map((path, id) => [path, id]));
const found = { recorded: 0, hinted: 0, failed: 0 };
const started = performance.now();
const { ended, requests } = await httpListing.check({
  accessPoint,
  inventory,
  objectIdOf: (path) => index.get(path),
  objectIds: Int32Array.from(inventory.paths, (_, id) => id),
  sink: {
    record: () => void found.recorded++,
    hint: () => void found.hinted++,
    fail: () => void found.failed++,
    withdraw: () => {},
    confirm: () => {},
    dismiss: () => {},
  },
  userAgent: 'redirector-bench/1',
  timeoutMs: 10_000,
  hosts: new HostBudgets(),
  acquaintance: new Acquaintance(),
  checkpointMs: 30_000,
  signal: new AbortController().signal,
  graceSignal: new AbortController().signal,
});
console.log(JSON.stringify({ elapsedMs: performance.now() - started, ended, requests, ...found }));
