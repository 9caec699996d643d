import { randomBytes } from 'node:crypto';
import { quoted } from '../../core/errors.ts';
import type { KnownObject } from '../../core/liveness.ts';
import { LAYOUT_PATH, STAMP_PATH, stampS } from '../../core/master-files.ts';
import { shownPath } from '../../core/path-bytes.ts';
import { COMPRESSED, phraseOf, statusReason } from '../net/reasons.ts';
import { PORTAGE_USER_AGENT } from '../net/user-agent.ts';
import { MAX_ORIGIN_CHARACTERS, type ProbeClient, type Reply } from './client.ts';
import { ProbeFailure } from './failure.ts';
import { judgeOtherLayout, judgeStamp, MAX_STAMP_BYTES, NO_STAMP, otherSize } from './findings.ts';
import type { FamilyFacts, ProbeTask } from './task.ts';

const WARN_CERTIFICATE_DAYS = 14;
const DAY_MS = 24 * 3600 * 1000;

const ABSENT: ReadonlySet<number> = new Set([404, 410]);
const HEAD_REFUSED: ReadonlySet<number> = new Set([400, 403, 405, 501]);

/**
 * All requests of one try over one family. What they tell goes into `facts`. Throws ProbeFailure at the first that
 * proves the access point of no use.
 */
export async function probeHttp(task: ProbeTask, client: ProbeClient, facts: FamilyFacts): Promise<void> {
  const { master } = task;
  if (task.known !== null) facts.finalHost = await askKnown(task, task.known, client, facts.warnings);
  await askImpossible(task, client);
  const stamp = master.stampS === null ? null : await askStamp(task, master.stampS, client, facts);
  if (master.layout !== null) await askLayout(task, master.layout, stamp, client, facts.warnings);
  if (task.known !== null) await askByGet(task, task.known, client);
  const { certificateValidToMs } = client;
  if (certificateValidToMs !== null) facts.warnings.push(...certificateWarnings(certificateValidToMs, task.nowMs()));
}

/** The known object with its size; answers the host that served it. */
async function askKnown(task: ProbeTask, known: KnownObject, client: ProbeClient, warnings: string[]): Promise<string> {
  const url = task.accessPoint.url + known.path;
  let reply = await headOrGet(client, url);
  if (reply.status === 403) {
    client.userAgent = PORTAGE_USER_AGENT;
    const again = await headOrGet(client, url);
    if (again.status === 200) {
      warnings.push('refuses our User-Agent (403), but not that of Portage');
      reply = again;
    } else client.userAgent = task.userAgent;
  }
  if (reply.status === 200 && reply.lengthBytes < 0) reply = await client.request('GET', url);
  const name = quoted(shownPath(known.path));
  if (ABSENT.has(reply.status)) throw new ProbeFailure(`has no ${name}${after(reply)}`);
  if (reply.status !== 200) throw new ProbeFailure(`${statusReason(reply.status, '')} for ${name}${after(reply)}`);
  if (reply.isEncoded && reply.lengthBytes !== known.sizeBytes) throw compressed(name, reply);
  if (reply.lengthBytes < 0) throw new ProbeFailure(`tells no length of ${name}${after(reply)}`);
  if (reply.lengthBytes !== known.sizeBytes) throw otherSize(known, reply.lengthBytes, after(reply));
  const { origin } = new URL(url);
  if (reply.origin !== origin) warnings.push(`redirects to ${quoted(reply.origin, MAX_ORIGIN_CHARACTERS)}`);
  return new URL(reply.origin).host;
}

/**
 * Viewers ask by GET, which a server may answer otherwise. To be asked last: of the body hardly more than its beginning
 * is read, and the connection closed.
 */
async function askByGet(
  { accessPoint }: ProbeTask,
  { path, sizeBytes }: KnownObject,
  client: ProbeClient,
): Promise<void> {
  const reply = await client.request('GET', accessPoint.url + path);
  if (reply.status !== 200) throw disagreement(path, phraseOf(reply.status), reply);
  if (reply.lengthBytes >= 0 && reply.lengthBytes !== sizeBytes)
    throw disagreement(path, `200 with ${reply.lengthBytes.toLocaleString('en')} bytes`, reply);
}

function disagreement(path: string, toGet: string, reply: Reply): ProbeFailure {
  return new ProbeFailure(
    `HEAD and GET disagree: for ${quoted(shownPath(path))} HEAD is answered 200, GET ${toGet}${after(reply)}`,
  );
}

/** What GET was denied is not there if HEAD says so too. Throws ProbeFailure where it does not. */
async function throwUnlessAbsent({ accessPoint }: ProbeTask, path: string, denied: Reply, client: ProbeClient) {
  const { status } = await client.request('HEAD', accessPoint.url + path);
  if (status === 200) throw disagreement(path, phraseOf(denied.status), denied);
}

async function headOrGet(client: ProbeClient, url: string): Promise<Reply> {
  const reply = await client.request('HEAD', url);
  return HEAD_REFUSED.has(reply.status) ? client.request('GET', url) : reply;
}

/** Names nobody can have: at the root, and among the distfiles. */
async function askImpossible({ accessPoint, known }: ProbeTask, client: ProbeClient): Promise<void> {
  const token = randomBytes(16).toString('hex');
  const names = [`redirector-no-such-file-${token}`, `distfiles/${token.slice(0, 2)}/redirector-no-such-file-${token}`];
  for (const name of names) {
    const reply = await headOrGet(client, accessPoint.url + name);
    if (ABSENT.has(reply.status)) continue;
    if (reply.status >= 200 && reply.status < 300) {
      throw new ProbeFailure(`answers ${reply.status} to names that don't exist${after(reply)}`);
    }
    // Some stores answer 403 to what they don't have: they are of use if they answer for what they have.
    if (known !== null && reply.status === 403) continue;
    throw new ProbeFailure(`${statusReason(reply.status, '')} for names that don't exist${after(reply)}`);
  }
}

/** The stamp in seconds since 1970; null where it has none. */
async function askStamp(
  task: ProbeTask,
  masterS: number,
  client: ProbeClient,
  facts: FamilyFacts,
): Promise<number | null> {
  const { accessPoint, nowMs } = task;
  const reply = await client.request('GET', accessPoint.url + STAMP_PATH, MAX_STAMP_BYTES);
  if (ABSENT.has(reply.status)) {
    await throwUnlessAbsent(task, STAMP_PATH, reply, client);
    if (!accessPoint.partial) facts.warnings.push(NO_STAMP);
    return null;
  }
  if (reply.status !== 200)
    throw new ProbeFailure(`${statusReason(reply.status, '')} for ${STAMP_PATH}${after(reply)}`);
  if (stampS(reply.body) === null && reply.isEncoded) throw compressed(STAMP_PATH, reply);
  return judgeStamp(reply.body, masterS, nowMs(), facts);
}

async function askLayout(
  task: ProbeTask,
  layout: Buffer,
  stamp: number | null,
  client: ProbeClient,
  warnings: string[],
): Promise<void> {
  const { accessPoint, master } = task;
  const reply = await client.request('GET', accessPoint.url + LAYOUT_PATH, layout.length);
  if (ABSENT.has(reply.status)) {
    await throwUnlessAbsent(task, LAYOUT_PATH, reply, client);
    if (!accessPoint.partial) warnings.push(`has no ${LAYOUT_PATH}`);
    return;
  }
  if (reply.status !== 200)
    throw new ProbeFailure(`${statusReason(reply.status, '')} for ${LAYOUT_PATH}${after(reply)}`);
  if (reply.isWhole && reply.body.equals(layout)) return;
  if (reply.isEncoded) throw compressed(LAYOUT_PATH, reply);
  judgeOtherLayout(stamp, master, warnings);
}

function certificateWarnings(validToMs: number, nowMs: number): string[] {
  const days = Math.floor((validToMs - nowMs) / DAY_MS);
  return days < WARN_CERTIFICATE_DAYS ? [`certificate expires in ${days} ${days === 1 ? 'day' : 'days'}`] : [];
}

function compressed(what: string, reply: Reply): ProbeFailure {
  return new ProbeFailure(`${COMPRESSED} (Content-Encoding) for ${what}${after(reply)}`);
}

function after({ redirects, origin }: Reply): string {
  return redirects === 0 ? '' : ` (redirected to ${quoted(origin, MAX_ORIGIN_CHARACTERS)})`;
}
