import type { Command } from 'commander';
import type { OriginTarget, Publication, ReleaseManifest } from '../../generator/publish/contract.ts';
import { type Context, inContext, type SharedOptions, several, withSharedOptions } from '../context.ts';
import { closeTargets, openTargets } from '../publish-targets.ts';

interface ReleasesOptions {
  readonly target: readonly string[];
}

/** A release in the light of the log. */
interface Listed extends Omit<ReleaseManifest, 'files' | 'figures'> {
  readonly isCurrent: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly objects: number;
  readonly heldShare: number;
  /** What was done with it, the newest last. */
  readonly publications: readonly Publication[];
}

export function registerReleases(program: Command): void {
  withSharedOptions(program.command('releases'))
    .description('list what was published, and what became of it')
    .option('--target <name>', 'at this target of the configuration alone; may be repeated', several, [])
    .action((options: SharedOptions & ReleasesOptions) =>
      inContext(options, (context) => listReleases(context, options)),
    );
}

export async function listReleases(context: Context, { target }: ReleasesOptions): Promise<void> {
  const targets = await openTargets(context.config(), context.output, target, 'releases', context.progress.note);
  try {
    const found: { target: string; releases: Listed[] }[] = [];
    for (const origin of targets.origins) found.push({ target: origin.name, releases: await listedAt(origin) });
    context.print(found, found.map(({ target: name, releases }) => releasesText(name, releases)).join('\n'));
  } finally {
    await closeTargets(targets);
  }
}

async function listedAt(origin: OriginTarget): Promise<Listed[]> {
  const current = await origin.current();
  const log = await origin.log();
  return (await origin.list()).map(({ files, figures, ...manifest }) => ({
    ...manifest,
    isCurrent: manifest.id === current?.id,
    files: files.length,
    bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    objects: figures.objects,
    heldShare: figures.heldShare,
    publications: log.filter(({ releaseId }) => releaseId === manifest.id),
  }));
}

function releasesText(name: string, releases: readonly Listed[]): string {
  const lines = releases.flatMap((one) => [
    `${one.isCurrent ? '→' : ' '} ${one.id}  ${one.objects.toLocaleString('en')} objects, ${(one.heldShare * 100).toFixed(1)} % held; ` +
      `${one.files.toLocaleString('en')} files, ${(one.bytes / 1e6).toFixed(1)} MB`,
    ...(one.forced === null ? [] : [`    forced: ${printable(one.forced.reason)}`]),
    ...(one.forced?.objections ?? []).map((objection) => `      although ${printable(objection)}`),
    ...one.publications.map(
      ({ action, atMs, by, state, reason, targets }) =>
        `    ${action} ${state}, ${new Date(atMs).toISOString()} by ${printable(by)} to ${targets.map(printable).join(', ')}` +
        `${reason === '' || reason === one.forced?.reason ? '' : `: ${printable(reason)}`}`,
    ),
  ]);
  return [`${name}:`, ...(lines.length === 0 ? ['  no release yet'] : lines)].join('\n');
}

/** The log lies at an origin: it is somebody else's text. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a1-\u024f–—…“”’]/g, '?');
}
