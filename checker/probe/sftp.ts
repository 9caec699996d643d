import { quoted } from '../../core/errors.ts';
import type { KnownObject } from '../../core/liveness.ts';
import { LAYOUT_PATH, STAMP_PATH } from '../../core/master-files.ts';
import { SftpConnection } from '../../core/node/sftp/connection.ts';
import { SftpKeyError, unlessMissing } from '../../core/node/sftp/error.ts';
import { shownPath } from '../../core/path-bytes.ts';
import { NO_LOGIN, placeOf, remotePath, sftpReason } from '../sftp/access.ts';
import { CannotAsk, ProbeFailure } from './failure.ts';
import { judgeOtherLayout, judgeStamp, MAX_STAMP_BYTES, NO_STAMP, otherSize } from './findings.ts';
import type { FamilyFacts, ProbeTask } from './task.ts';

/**
 * The size of the known object, stamp and layout, over one connection to the very address, whose key tells whose it is.
 * Throws ProbeFailure, and CannotAsk where login or key is missing.
 */
export async function probeSftp(task: ProbeTask, facts: FamilyFacts): Promise<void> {
  const { accessPoint, address, sftpKey = null, timeoutMs, signal } = task;
  const place = placeOf(accessPoint, { privateKey: sftpKey, timeoutMs });
  if (place === null) throw new CannotAsk(NO_LOGIN);
  facts.connections++;
  // The login.
  facts.requests++;
  // Of its own: a connection listens to it until it is closed.
  const own = AbortSignal.any([signal]);
  let connection: SftpConnection | null = null;
  try {
    connection = await SftpConnection.open({ ...place, host: address.address }, own);
    await ask(task, connection, facts);
  } catch (error) {
    if (error instanceof ProbeFailure) throw error;
    const reason = sftpReason(error, place.user, timeoutMs);
    throw error instanceof SftpKeyError ? new CannotAsk(reason) : new ProbeFailure(reason);
  } finally {
    facts.bytes += connection?.bytes ?? 0;
    await connection?.close();
  }
}

/** Throws ProbeFailure and SftpError. */
async function ask(task: ProbeTask, connection: SftpConnection, facts: FamilyFacts): Promise<void> {
  const { accessPoint, known, master, nowMs } = task;
  if (known === null) {
    facts.requests++;
    if (!(await connection.exists(remotePath(accessPoint, '') as string))) throw new ProbeFailure('no such file');
  } else await askKnown(task, known, connection, facts);
  facts.finalHost = new URL(accessPoint.url).host;
  const warnMissing = (warning: string) => {
    if (!accessPoint.partial) facts.warnings.push(warning);
  };
  let stamp: number | null = null;
  if (master.stampS !== null) {
    const bytes = await start(task, STAMP_PATH, MAX_STAMP_BYTES, connection, facts);
    if (bytes === null) warnMissing(NO_STAMP);
    else stamp = judgeStamp(bytes, master.stampS, nowMs(), facts);
  }
  if (master.layout === null) return;
  // One byte more, to tell a longer one.
  const layout = await start(task, LAYOUT_PATH, master.layout.length + 1, connection, facts);
  if (layout === null) warnMissing(`has no ${LAYOUT_PATH}`);
  else if (!layout.equals(master.layout)) judgeOtherLayout(stamp, master, facts.warnings);
}

async function askKnown(
  { accessPoint }: ProbeTask,
  known: KnownObject,
  connection: SftpConnection,
  facts: FamilyFacts,
): Promise<void> {
  const remote = remotePath(accessPoint, known.path);
  if (remote === null) return;
  facts.requests++;
  const sizeBytes = await unlessMissing(connection.sizeBytes(remote), null);
  if (sizeBytes === null) throw new ProbeFailure(`has no ${quoted(shownPath(known.path))}`);
  if (sizeBytes !== known.sizeBytes) throw otherSize(known, sizeBytes);
}

/** The beginning of a file; null where it is missing. */
function start(
  { accessPoint }: ProbeTask,
  path: string,
  maxBytes: number,
  connection: SftpConnection,
  facts: FamilyFacts,
): Promise<Buffer | null> {
  facts.requests++;
  return unlessMissing<Buffer | null>(connection.readStart(remotePath(accessPoint, path) as string, maxBytes), null);
}
