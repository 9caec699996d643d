import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyObservations, encodeObservations } from '../../../core/formats/observations-file.ts';
import type { ProbeRecord } from '../../../core/liveness.ts';
import { LAYOUT_PATH, STAMP_PATH } from '../../../core/master-files.ts';
import type { AccessPoint, MirrorList, Protocol, SftpLogin } from '../../../core/mirror.ts';
import { writeFileAtomic } from '../../../core/node/atomic-file.ts';
import { Outcome } from '../../../core/observations.ts';
import { outputLayout } from '../../../core/output-layout.ts';
import { silentProgress } from '../../../core/progress.ts';
import type { Address } from '../../net/address.ts';
import { testInventory } from '../../testing/inventory.ts';
import { type ProbeOptions, type ProbeSummary, runProbe } from '../run.ts';

/** The master's tree as these tests have it. */
export const LAYOUT = Buffer.from('[structure]\n0=filename-hash BLAKE2B 8\n');
export const KNOWN_PATH = 'distfiles/ab/known-1.0.tar.xz';
export const KNOWN_BYTES = 20_000;
export const NOW_MS = Date.now();
export const STAMP_S = Math.floor(NOW_MS / 1000) - 60;
export const inventory = {
  ...testInventory([
    { path: KNOWN_PATH, sizeBytes: KNOWN_BYTES },
    { path: LAYOUT_PATH, sizeBytes: LAYOUT.length },
    { path: STAMP_PATH, sizeBytes: 11 },
  ]),
  mtimeS: Float64Array.of(0, STAMP_S - 1000, STAMP_S),
};

/** A busy machine may be late with an answer; of who never answers a short time tells as much. */
export const TIMEOUTS_MS = { answering: 30_000, silent: 1000 };

/** Told of the latter. Whichever ends first: the wait for an answer, or the try. */
export const NO_ANSWER = /^down: no answer within 1(\.4)? s$/;

/** What a mirror answers: true = it has answered. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean | undefined;

/** An answer with a length, and with a body unless it was asked for the head. */
export function reply(response: ServerResponse, status: number, body: Buffer | number, headers = {}): true {
  const bytes = typeof body === 'number' ? Buffer.alloc(body) : body;
  response.writeHead(status, { 'content-length': bytes.length, ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
  return true;
}

export interface TestMirror {
  readonly port: number;
  readonly url: string;
  /** `METHOD path User-Agent`. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** A mirror that is as it should be, but for what `answer` does otherwise. */
export async function startMirror(answer: Answer = () => false, host = '127.0.0.1', port = 0): Promise<TestMirror> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers['user-agent']}`);
    response.on('error', () => {});
    if (answer(request, response) === true) return;
    if (request.url === `/${KNOWN_PATH}`) reply(response, 200, KNOWN_BYTES);
    else if (request.url === `/${LAYOUT_PATH}`) reply(response, 200, LAYOUT);
    else if (request.url === `/${STAMP_PATH}`) reply(response, 200, Buffer.from(`${STAMP_S}\n`));
    else reply(response, 404, 0);
  }).listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { port: bound, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/`, requests, close };
}

export interface TestPoint {
  readonly name: string;
  readonly url: string;
  readonly partial?: boolean;
  readonly ipv6?: boolean;
  readonly login?: SftpLogin;
  /** Not checked yet. Default: the check has found the known object. */
  readonly isUnchecked?: boolean;
  /** In CIDR form: those it serves alone. */
  readonly networks?: readonly string[];
}

/** An output folder with mirrors of one access point each, which have been checked. */
export class TestOutput {
  readonly folder = mkdtempSync(join(tmpdir(), 'probe-'));
  readonly points: readonly AccessPoint[];
  readonly #mirrors: MirrorList;

  constructor(points: readonly TestPoint[]) {
    this.points = points.map(({ name, url, partial = false, ipv6 = false, login }) => ({
      ...{ id: `${name}.test`, mirrorId: name, url, ipv4: true, ipv6, partial },
      protocol: new URL(url).protocol.slice(0, -1) as Protocol,
      ...(login === undefined ? {} : { login }),
    }));
    for (const [i, { isUnchecked }] of points.entries()) if (isUnchecked !== true) this.#check(this.points[i]!);
    const mirrors = this.points.map((accessPoint, i) => ({
      ...{ id: accessPoint.mirrorId, name: accessPoint.mirrorId, weight: 1, drained: false },
      places: [{ country: 'DE', latitude: 51, longitude: 9 }],
      accessPoints: [accessPoint],
      ...(points[i]?.networks === undefined ? {} : { networks: points[i].networks }),
    }));
    this.#mirrors = { version: 1, takenAtMs: 0, mirrors, notes: [] };
  }

  #check({ id, url }: AccessPoint): void {
    const observations = emptyObservations(id, url, inventory.paths.length, 1);
    observations.outcome.fill(Outcome.present);
    observations.sizeBytes.set(inventory.sizeBytes);
    observations.evidenceAtS.fill(1);
    observations.liveness = { state: 'up', sinceS: 7, checkedAtS: 8, reason: '' };
    writeFileAtomic(outputLayout.observations(this.folder, id), encodeObservations(observations));
  }

  probe(options: Partial<ProbeOptions> = {}): Promise<ProbeSummary> {
    return runProbe({
      output: this.folder,
      inventory,
      mirrors: this.#mirrors,
      mirrorIds: null,
      vantage: '',
      master: { stamp: Buffer.from(`${STAMP_S}\n`), layout: LAYOUT },
      userAgent: 'redirector-test/1',
      timeoutMs: TIMEOUTS_MS.answering,
      secondTryAfterMs: 20,
      nowMs: Date.now,
      progress: silentProgress,
      signal: new AbortController().signal,
      network: testNetwork({}),
      ...options,
    });
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A network whose names are the given ones, on a machine with both families. */
export function testNetwork(names: Readonly<Record<string, readonly string[]>>, ca?: string) {
  const addressOf = (address: string): Address => ({ address, family: address.includes(':') ? 6 : 4 });
  return {
    async resolve(host: string): Promise<readonly Address[]> {
      const known = names[host] ?? (/^[\d.]+$|:/.test(host) ? [host] : null);
      if (known === null) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
      return known.map(addressOf);
    },
    hasIpv4: true,
    hasIpv6: true,
    ...(ca === undefined ? {} : { ca }),
  };
}

/** What a person reads of a record: the state and why, then the warnings. */
export function told({ liveness, warnings }: ProbeRecord): string {
  return [[liveness.state, liveness.reason].filter(Boolean).join(': '), ...warnings].join(' | ');
}
