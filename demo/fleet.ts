import { once } from 'node:events';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ObjectType } from '../core/inventory.ts';
import type { Protocol } from '../core/mirror.ts';
import { naming } from '../core/node/system-errors.ts';
import { distfilesXml } from './distfiles-xml.ts';
import { BEHAVIOURS, type Behaviour, FLEET, type PlannedCountry, type PlannedMirror, slugOf } from './fleet-plan.ts';
import {
  type Copy,
  type Holdings,
  holdsAllButTheNewest,
  holdsEverything,
  holdsOnly,
  holdsSomeCutShort,
} from './holdings.ts';
import { linkTree } from './link-tree.ts';
import { type MirrorServer, type MirrorServerOptions, startMirrorServer } from './mirror-server.ts';
import { isInstalled } from './program.ts';
import { FORBIDDEN, type Responder, softNotFound, treeResponder } from './reply.ts';
import { startRsyncDaemon } from './rsync-daemon.ts';
import { ServedTree } from './served-tree.ts';
import type { PlantedTree } from './tree.ts';

/** What a careful checker can prove of an object at a mirror; unproven = the mirror's answers prove nothing. */
export type Truth = 'present' | 'absent' | 'different' | 'unproven';

export interface FleetMirror {
  readonly name: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** A short sentence for people. */
  readonly behaviour: string;
  /** Access points, each with a trailing slash. */
  readonly urls: readonly string[];
}

export interface Fleet {
  readonly mirrors: readonly FleetMirror[];
  /** The mirrors in the format of Gentoo's list. */
  readonly distfilesXml: string;
  /**
   * What is true of a path (bytes, no slash at its end) at a mirror over a protocol, by name and size. Links lead to
   * their end; a soft 404 makes all of a mirror unproven.
   */
  holds(mirrorIndex: number, protocol: Protocol, path: Uint8Array): Truth;
  /** The master's own server, which has everything. */
  readonly fallbackUrl: string;
  /** Whether two of the mirrors are served over rsync: it is installed. */
  readonly rsync: boolean;
  /** Leaves no socket, no process and no file behind; may be called twice. */
  close(): Promise<void>;
}

export interface FleetOptions {
  readonly tree: PlantedTree;
  /** For what the mirrors need beside the tree; on the tree's file system it takes next to no disk. Made, and removed by `close`. */
  readonly folder: string;
  readonly signal?: AbortSignal;
}

const SLOW_MS = 40;
const UNPROVABLE: ReadonlySet<Behaviour> = new Set(['soft 404', 'hanging', 'dead', 'forbidden']);

/**
 * Starts the mirrors of the fleet in this process, on free ports of 127.0.0.1. They serve the tree as it was planted.
 * Where the signal is aborted the fleet closes itself; while it starts, its reason is thrown when all is closed again.
 * Throws RunError where rsync is installed but does not start.
 */
export async function startFleet({ tree, folder, signal }: FleetOptions): Promise<Fleet> {
  const closers: Closer[] = [];
  try {
    const served = new ServedTree(tree);
    signal?.throwIfAborted();
    const fallback = await startMirrorServer({ responder: treeResponder(served, '/', holdsEverything) });
    closers.push(fallback.close);
    const planned = FLEET.flatMap((group) => group.mirrors.map((mirror) => planOne(group, mirror, served)));
    signal?.throwIfAborted();
    const rsyncUrls = isInstalled('rsync') ? await startRsync(planned, { tree, served, folder, closers }) : null;
    const mirrors: StartedMirror[] = [];
    for (const mirror of planned) {
      signal?.throwIfAborted();
      const httpUrl = await startHttp(mirror, served, fallback.port, closers);
      const rsyncUrl = rsyncUrls?.get(mirror.slug);
      mirrors.push({ ...mirror, urls: rsyncUrl === undefined ? [httpUrl] : [httpUrl, rsyncUrl] });
    }
    signal?.throwIfAborted();
    return {
      mirrors: mirrors.map(({ name, country, kind, urls }) => ({ name, country, behaviour: BEHAVIOURS[kind], urls })),
      distfilesXml: distfilesXml(mirrors.map((mirror) => ({ ...mirror, partial: mirror.kind === 'distfiles only' }))),
      holds: (i, protocol, path) => truthOf(served, mirrors[i] as StartedMirror, protocol, path),
      fallbackUrl: `http://127.0.0.1:${fallback.port}/`,
      rsync: rsyncUrls !== null,
      close: closedOnAbort(closers, signal),
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** Closes a fleet that is whole: once, on call or on abort. One that is being made closes what it has by itself. */
function closedOnAbort(closers: Closer[], signal: AbortSignal | undefined): Closer {
  let closing: Promise<void> | null = null;
  const close = () => {
    signal?.removeEventListener('abort', onAbort);
    closing ??= closeAll(closers);
    return closing;
  };
  const onAbort = () => void close();
  signal?.addEventListener('abort', onAbort, { once: true });
  return close;
}

type Closer = () => Promise<void>;

interface FleetPlan extends Omit<PlannedCountry, 'mirrors'> {
  readonly name: string;
  readonly slug: string;
  readonly kind: Behaviour;
  readonly holdings: Holdings;
  readonly overRsync: boolean;
}

interface StartedMirror extends FleetPlan {
  readonly urls: readonly string[];
}

async function closeAll(closers: Closer[]): Promise<void> {
  // The newest first.
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
}

function planOne(place: PlannedCountry, mirror: PlannedMirror, served: ServedTree): FleetPlan {
  const { name, behaviour: kind, rsync: overRsync = false } = mirror;
  return { ...place, name, slug: slugOf(name), kind, holdings: holdingsOf(kind, served), overRsync };
}

function holdingsOf(kind: Behaviour, served: ServedTree): Holdings {
  if (kind === 'stale' || kind === 'soft 404') return holdsAllButTheNewest(served);
  if (kind === 'cut short') return holdsSomeCutShort(served);
  return kind === 'distfiles only' ? holdsOnly('distfiles') : holdsEverything;
}

/** Starts a mirror's web server; resolves to its URL. */
async function startHttp(
  mirror: FleetPlan,
  served: ServedTree,
  masterPort: number,
  closers: Closer[],
): Promise<string> {
  const base = `/${mirror.slug}/`;
  const url = (port: number) => `http://127.0.0.1:${port}${base}`;
  if (mirror.kind === 'dead') {
    const holder = await holdPort(masterPort);
    closers.push(holder.close);
    return url(holder.port);
  }
  const server = await startMirrorServer(serverOptions(mirror.kind, treeResponder(served, base, mirror.holdings)));
  closers.push(server.close);
  return url(server.port);
}

function serverOptions(kind: Behaviour, responder: Responder): MirrorServerOptions {
  switch (kind) {
    case 'hanging':
      return { responder: null };
    case 'forbidden':
      return { responder: () => FORBIDDEN };
    case 'soft 404':
      return { responder: softNotFound(responder) };
    case 'slow':
      return { responder, delayMs: SLOW_MS };
    case 'closes after 100':
      return { responder, maxRequestsPerConnection: 100 };
    case 'closes after 7':
      return { responder, maxRequestsPerConnection: 7 };
    default:
      return { responder };
  }
}

/** A port on which nobody listens and nobody can: our end of a connection to a server of ours has it. */
async function holdPort(serverPort: number): Promise<MirrorServer> {
  const socket = connect(serverPort, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  const close = async () => {
    if (socket.closed) return;
    socket.destroy();
    await once(socket, 'close');
  };
  return { port: socket.localPort as number, close };
}

interface RsyncStart {
  readonly tree: PlantedTree;
  readonly served: ServedTree;
  readonly folder: string;
  readonly closers: Closer[];
}

/** Serves the mirrors that are to be over rsync; resolves to their URLs by slug. */
async function startRsync(planned: readonly FleetPlan[], start: RsyncStart): Promise<Map<string, string>> {
  const { tree, served, folder, closers } = start;
  closers.push(async () => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(folder, { recursive: true });
  const modules: Record<string, string> = {};
  for (const { slug, holdings, overRsync } of planned) {
    if (!overRsync) continue;
    modules[slug] = holdings === holdsEverything ? tree.folder : join(folder, slug);
    if (holdings !== holdsEverything) copyHoldings(tree, served, holdings, join(folder, slug));
  }
  const daemon = await startRsyncDaemon(modules);
  closers.push(daemon.close);
  return new Map(Object.keys(modules).map((slug) => [slug, `${daemon.url}${slug}/`]));
}

/** Makes what a mirror holds of the tree as a tree of its own, in hard links. */
function copyHoldings(tree: PlantedTree, served: ServedTree, holdings: Holdings, to: string): void {
  const own: [string, Copy][] = [];
  const linked = tree.objects.flatMap(({ path, type, target }) => {
    const name = path.toString('latin1');
    const found = served.lookup(name);
    const copy = found && holdings(name, found);
    if (!copy) return [];
    if (type === ObjectType.file && copy.text !== undefined) {
      own.push([name, copy]);
      return [];
    }
    return [{ path: name, type, target: target.toString('latin1') }];
  });
  linkTree(tree.folder, to, linked);
  for (const [name, { text, lastModified }] of own) {
    naming(join(to, name), () => writeFileSync(join(to, name), text as string));
    utimesSync(join(to, name), new Date(lastModified), new Date(lastModified));
  }
}

function truthOf(served: ServedTree, mirror: StartedMirror, protocol: Protocol, path: Uint8Array): Truth {
  const isServed = mirror.urls.some((url) => url.startsWith(`${protocol}:`));
  if (!isServed || UNPROVABLE.has(mirror.kind)) return 'unproven';
  const name = Buffer.from(path).toString('latin1');
  const found = served.lookup(name);
  const copy = found && mirror.holdings(name, found);
  if (!found || !copy) return 'absent';
  return copy.sizeBytes === found.sizeBytes ? 'present' : 'different';
}
