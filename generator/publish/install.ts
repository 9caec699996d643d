import { decodeObjectTable } from '../../core/formats/map-file.ts';
import type { BuiltFunction } from '../../core/function-event.ts';
import { outputLayout } from '../../core/output-layout.ts';
import { changedPaths, shownSince } from './changes.ts';
import type {
  EdgeContent,
  EdgeTarget,
  GoldenEvent,
  OriginTarget,
  Publication,
  PublishContext,
  ReleaseManifest,
} from './contract.ts';
import { keysOf } from './read-built.ts';

import { goldenEvents } from './replay/golden.ts';

/** Where a publication goes: at least one origin, whose log and releases count; edges need not be. */
export interface Targets {
  readonly origins: readonly [OriginTarget, ...OriginTarget[]];
  readonly edges: readonly EdgeTarget[];
}

/** The built function over these keys. */
export type Load = (functionCode: string, keys: ReadonlyMap<string, string>) => BuiltFunction;

/** A release that lies at all origins, and what edges are given of it. */
export interface Installation {
  readonly manifest: ReleaseManifest;
  readonly content: EdgeContent;
  readonly golden: readonly GoldenEvent[];
}

/** A sentence for each step at each target. */
export type Steps = readonly { readonly target: string; readonly did: string }[];

/** Reads it back from an origin, byte for byte as it was published. Throws RunError where it is not. */
export async function installationOf(
  origin: OriginTarget,
  manifest: ReleaseManifest,
  load: Load,
): Promise<Installation> {
  const at = (place: (output: string) => string) => origin.read(manifest, place('').replaceAll('\\', '/'));
  const keysFile = outputLayout.edgeKeys(manifest.id);
  const keys = keysOf((await at(outputLayout.edgeKeys)).toString('utf8'), keysFile);
  const functionCode = (await at(outputLayout.edgeFunction)).toString('utf8');
  const table = decodeObjectTable(await at(outputLayout.objectTable), outputLayout.objectTable(manifest.id));
  const content = { releaseId: manifest.id, keys, functionCode };
  return { manifest, content, golden: await goldenEvents(table, load(functionCode, keys)) };
}

/**
 * Makes a release the one that viewers get: the origins are switched, then the edges get keys, function and
 * invalidation. It is written into the origins' logs beforehand, as `publication`.
 */
export async function install(
  { origins, edges }: Targets,
  { manifest, content, golden }: Installation,
  publication: Publication,
  context: PublishContext,
): Promise<Steps> {
  const steps: { target: string; did: string }[] = [];
  const did = (target: string, sentence: string) => {
    steps.push({ target, did: sentence });
    context.progress.note(`${target}: ${sentence}`);
  };
  const [log, releases] = [await origins[0].log(), await origins[0].list()];
  for (const origin of origins) {
    await origin.record(publication);
    await origin.switchTo(manifest.id);
    did(origin.name, `release ${manifest.id} is the current one`);
  }
  for (const edge of edges) {
    did(edge.name, (await edge.publishKeys(content, context)).summary);
    did(edge.name, (await edge.publishFunction(content, golden, context)).summary);
    const shown = shownSince(log, releases, edge.name);
    const stale = shown === null ? manifest.files.map(({ path }) => path) : changedPaths(shown, manifest);
    did(edge.name, (await edge.invalidate(stale, manifest.id, context)).summary);
  }
  return steps;
}

/** What is left to do when an installation is proven right. */
export async function finish(
  { origins, edges }: Targets,
  { content }: Installation,
  publication: Publication,
  context: PublishContext,
): Promise<Steps> {
  const steps: { target: string; did: string }[] = [];
  for (const edge of edges) {
    steps.push({ target: edge.name, did: (await edge.sweepKeys(content, context)).summary });
  }
  for (const origin of origins) await origin.record({ ...publication, state: 'done' });
  return steps;
}

/** Does the work with the locks of all origins. */
export async function withLocks<T>(
  origins: readonly OriginTarget[],
  context: PublishContext,
  work: () => Promise<T>,
): Promise<T> {
  const [first, ...others] = origins;
  return first === undefined ? work() : first.withLock(() => withLocks(others, context, work), context);
}
