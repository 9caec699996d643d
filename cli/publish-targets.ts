import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { quoted, UsageError } from '../core/errors.ts';
import { sftpPlaceOf } from '../core/node/sftp/place.ts';
import { outputLayout } from '../core/output-layout.ts';
import type { EdgeTarget, OriginTarget } from '../generator/publish/contract.ts';
import type { Targets } from '../generator/publish/install.ts';
import type { OriginFiles } from '../generator/publish/origin/files.ts';
import type { Config } from './config.ts';
import type { TargetConfig } from './config-publish.ts';

/** Below the output folder: where releases go when no target is configured. */
export const DEFAULT_FOLDER = 'published';

/**
 * The targets that a publication goes to: those that are named, or all. An edge alone takes the first origin along: what
 * it is given is kept there, or it could not be rolled back. Throws UsageError for a name that there is none of.
 */
export async function openTargets(
  { publish, timeoutMs }: Pick<Config, 'publish' | 'timeoutMs'>,
  output: string,
  names: readonly string[],
  command: string,
  note: Note,
): Promise<Targets> {
  const configured: TargetConfig[] = [...publish.targets];
  if (!configured.some(isOrigin)) {
    configured.unshift({ name: 'published', type: 'directory', folder: join(output, DEFAULT_FOLDER) });
  }
  const unknown = names.find((name) => !configured.some((one) => one.name === name));
  if (unknown !== undefined) {
    const there = configured.map(({ name }) => name).join(', ');
    throw new UsageError(`--target ${quoted(unknown)}: no such target; there are: ${there}`);
  }
  const chosen = names.length === 0 ? configured : configured.filter(({ name }) => names.includes(name));
  const withOrigin = chosen.some(isOrigin) ? chosen : [...configured.filter(isOrigin).slice(0, 1), ...chosen];
  const [first, ...others] = await Promise.all(
    withOrigin.filter(isOrigin).map((one) => openOrigin(one, timeoutMs, command)),
  );
  const edges = await Promise.all(withOrigin.filter(isEdge).map((one) => openEdge(one, output, timeoutMs, note)));
  return { origins: [first as OriginTarget, ...others], edges };
}

export async function closeTargets({ origins, edges }: Targets): Promise<void> {
  await Promise.all([...origins, ...edges].map((target) => target.close()));
}

type EdgeConfig = Extract<TargetConfig, { type: 'cloudfront' }>;
type OriginConfig = Exclude<TargetConfig, EdgeConfig>;
type Note = (line: string) => void;

function isOrigin(config: TargetConfig): config is OriginConfig {
  return config.type !== 'cloudfront';
}

function isEdge(config: TargetConfig): config is EdgeConfig {
  return !isOrigin(config);
}

async function openOrigin(config: OriginConfig, timeoutMs: number, command: string): Promise<OriginTarget> {
  const { originTarget } = await import('../generator/publish/origin/origin-target.ts');
  return originTarget(config.name, command, await filesOf(config, timeoutMs));
}

async function filesOf(config: OriginConfig, timeoutMs: number): Promise<OriginFiles> {
  if (config.type === 'directory') {
    return (await import('../generator/publish/origin/directory-files.ts')).directoryFiles(config.folder);
  }
  const { sftpFiles } = await import('../generator/publish/origin/sftp-files.ts');
  const access = { keyFile: config.key ?? null, hostKeySha256: config.host_key };
  const { place, directory } = sftpPlaceOf(config.url, access, timeoutMs);
  return sftpFiles({ ...place, folder: directory });
}

/** A kind of edge is a line here. */
async function openEdge(config: EdgeConfig, output: string, timeoutMs: number, note: Note): Promise<EdgeTarget> {
  const { cloudFrontTarget } = await import('../generator/publish/cloudfront/target.ts');
  const { readState, writeState } = await import('../generator/publish/cloudfront/state-file.ts');
  const stateFile = outputLayout.edgeState(output, config.name);
  return cloudFrontTarget({
    name: config.name,
    store: config.store,
    function: config.function,
    distribution: config.distribution ?? null,
    invalidation: config.invalidate,
    client: { maxAttempts: EDGE_ATTEMPTS, timeoutMs },
    clock: systemClock,
    keeper: { read: () => readState(stateFile, note), write: (state) => writeState(stateFile, state) },
  });
}

/** Throttled, the last tries are some 20 seconds apart. */
const EDGE_ATTEMPTS = 8;

const systemClock = {
  nowMs: Date.now,
  sleep: (ms: number, signal: AbortSignal) => setTimeout(ms, undefined, { signal }).catch(() => {}),
};
