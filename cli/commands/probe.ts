import Table from 'cli-table3';
import type { Command } from 'commander';
import type { ProbeRecord } from '../../core/liveness.ts';
import { readLeader } from '../../core/node/leader-files.ts';
import { mirrorKey } from '../config-sftp.ts';
import { noteMissingContact } from '../contact.ts';
import { type Context, inContext, plural, type SharedOptions, several, withSharedOptions } from '../context.ts';
import { askedMirrors, type MirrorOptions, noneIsUp, WHOLE } from './check.ts';
import { STATE_SIGNS } from './demo.ts';
import { refreshMasterFiles } from './inventory.ts';

interface ProbeOptions {
  readonly mirror: readonly string[];
  readonly vantage?: string;
}

export function registerProbe(program: Command): void {
  withSharedOptions(program.command('probe'))
    .description('see which access points are up, in seconds')
    .option('--mirror <id>', 'only this mirror; may be given several times', several, [])
    .option('--vantage <name>', 'only the mirrors of this vantage, into a file of its own; see "merge"')
    .action((options: SharedOptions & ProbeOptions) =>
      inContext(options, (context) => probeMirrors(context, { ...options, part: WHOLE }, { isWhole: true })),
    );
}

/** `isWhole`: it is all that the command does, which then tells of each access point. */
export async function probeMirrors(
  context: Context,
  options: MirrorOptions,
  { isWhole }: { readonly isWhole: boolean },
): Promise<void> {
  const { runProbe } = await import('../../checker/probe/run.ts');
  const { output, progress, signal } = context;
  const config = context.config();
  const { userAgent, timeoutMs, hostLimits } = config;
  const { inventory, mirrors } = readLeader(output);
  const asked = await askedMirrors(mirrors.mirrors, config, options);
  if (isWhole) noteMissingContact(context, config, asked);
  const mirrorIds = asked.map(({ id }) => id);
  const master = await refreshMasterFiles(context);
  const summary = await runProbe({
    ...{ output, inventory, mirrors, mirrorIds, master, userAgent, timeoutMs, hostLimits, progress, signal },
    vantage: options.vantage ?? '',
    sftpKey: mirrorKey(config.sftpKeyFile, asked, progress.note),
    nowMs: Date.now,
  });
  const { accessPoints, requests, elapsedMs } = summary;
  const states = (state: string) => accessPoints.filter(({ liveness }) => liveness.state === state).length;
  context.print(
    summary,
    `${isWhole && accessPoints.length > 0 ? `${tableOf(accessPoints)}\n` : ''}` +
      `probe: ${plural(accessPoints.length, 'access point')} (${states('up')} up, ${states('failing')} failing, ${states('down')} down) ` +
      `with ${plural(requests, 'request')} in ${(elapsedMs / 1000).toFixed(1)} s` +
      noneIsUp(accessPoints.map(({ liveness }) => liveness.state)),
  );
  context.throwIfInterrupted();
}

const FAMILY_WORDS = new Map<boolean | null, string>([
  [true, 'up'],
  [false, 'down'],
  [null, '–'],
]);

function tableOf(records: readonly ProbeRecord[]): string {
  const table = new Table({
    head: ['access point', 'found', 'IPv4', 'IPv6', 'stamp', 'certificate', 'why, and what else'],
    colWidths: [null, null, null, null, null, null, 56],
    colAligns: ['left', 'left', 'left', 'left', 'right', 'right', 'left'],
    wordWrap: true,
    wrapOnWordBoundary: false,
    style: { head: [], border: [], compact: true },
  });
  for (const record of records) table.push(rowOf(record));
  return table.toString();
}

function rowOf(record: ProbeRecord): string[] {
  const { accessPointId, liveness, ipv4Up, ipv6Up, stampLagS, certificateValidToS } = record;
  return [
    accessPointId,
    STATE_SIGNS[liveness.checkedAtS === 0 ? 'not checked' : liveness.state],
    FAMILY_WORDS.get(ipv4Up) as string,
    FAMILY_WORDS.get(ipv6Up) as string,
    stampLagS === null ? '' : `${Math.floor(stampLagS / 3600)} h behind`,
    certificateValidToS === null ? '' : daysLeft(certificateValidToS - liveness.checkedAtS),
    [liveness.reason, ...record.warnings].filter(Boolean).join('; '),
  ];
}

function daysLeft(seconds: number): string {
  return seconds <= 0 ? 'expired' : `${Math.floor(seconds / 86_400)} days left`;
}
