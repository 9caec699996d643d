import { quoted } from '../../core/errors.ts';
import { grouped } from '../../core/grouped.ts';
import { listOverRsync } from '../../core/node/rsync.ts';
import { noRoom } from '../full-house.ts';
import { HostBusy, ProbeFailure } from './failure.ts';
import type { FamilyFacts, ProbeTask } from './task.ts';

/**
 * Lists the known object, or where there is none the root, one level deep. rsync is given the address and not the name:
 * its protocol has no host header, and so it cannot be led elsewhere. Throws ProbeFailure, HostBusy.
 */
export async function probeRsync(task: ProbeTask, facts: FamilyFacts): Promise<void> {
  facts.requests++;
  facts.connections++;
  const { accessPoint, known, address, timeoutMs, signal } = task;
  const url = new URL(accessPoint.url);
  const host = `${address.family === 6 ? `[${address.address}]` : address.address}${url.port === '' ? '' : `:${url.port}`}`;
  let sizeBytes = -1;
  const listing = await listOverRsync({
    url: `rsync://${host}${url.pathname}${known?.path ?? ''}`,
    recursive: false,
    timeoutMs,
    signal,
    onEntry: (entry) => {
      sizeBytes = entry.sizeBytes;
    },
  });
  facts.bytes += listing.bytes;
  if (listing.isFull) throw new HostBusy(noRoom(listing.reason), 'full');
  if (!listing.complete) {
    const isMissing = known !== null && /No such file or directory/.test(listing.reason);
    throw new ProbeFailure(isMissing ? `has no ${quoted(known.path)}` : listing.reason);
  }
  if (known !== null && sizeBytes !== known.sizeBytes) {
    const [found, right] = [sizeBytes, known.sizeBytes].map((bytes) => grouped(bytes));
    throw new ProbeFailure(`${quoted(known.path)} has ${found} bytes there, ${right} on the master`);
  }
  facts.finalHost = url.host;
}
