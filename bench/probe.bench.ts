import { once } from 'node:events';
import { lstatSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { decodeLiveness } from '../core/formats/liveness-file.ts';
import { emptyObservations, encodeObservations } from '../core/formats/observations-file.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { readLeader } from '../core/node/leader-files.ts';
import { Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { pathToBytes } from '../core/path-bytes.ts';
import { Fixture } from './fixture.ts';
import { measure, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

/** As many as Gentoo's list has. */
const ACCESS_POINTS = 450;
/** Of so many hosts, each of which has an account of its own. */
const HOSTS = 169;
const ROUND_TRIP_MS = 100;

/** Probes of 450 access points of 169 hosts, each 100 ms away, that hold the whole tree. */
export async function benchProbe(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const server = await startFarMirrors(tree.root);
  try {
    const urls = Array.from({ length: ACCESS_POINTS }, (_, i) => `http://127.0.0.1:${server.ports[i % HOSTS]}/m${i}/`);
    const fixture = new Fixture(join(folder, 'probe'), tree.root, urls);
    const { inventory, mirrors } = readLeader(fixture.output);
    const count = inventory.paths.length;
    for (const { id, url } of mirrors.mirrors.flatMap((mirror) => mirror.accessPoints)) {
      const observations = emptyObservations(id, url, count, 1);
      observations.liveness = { state: 'up', sinceS: 1, checkedAtS: 1, reason: '' };
      observations.outcome.fill(Outcome.present);
      observations.sizeBytes.set(inventory.sizeBytes);
      observations.evidenceAtS.fill(1);
      writeFileAtomic(outputLayout.observations(fixture.output, id), encodeObservations(observations), {
        durable: false,
      });
    }
    const probe = fixture.command('`redirector probe`', ACCESS_POINTS, ['probe', '--json', '--quiet']);
    const forget = ['sh', '-c', 'rm -f "$0"; exec "$@"', outputLayout.liveness(fixture.output)] as const;
    const figures = await measure(
      [
        { ...probe, label: '`redirector probe`, the first', argv: [...forget, ...probe.argv] },
        { ...probe, label: '`redirector probe`, each one after it' },
      ],
      rounds,
    );
    const file = outputLayout.liveness(fixture.output);
    const { accessPoints } = decodeLiveness(readFileSync(file, 'utf8'), file);
    const up = accessPoints.filter(({ liveness }) => liveness.state === 'up').length;
    const requests = accessPoints.reduce((sum, { cost }) => sum + cost.requests, 0);
    return [
      `### Probe of ${ACCESS_POINTS} access points of ${HOSTS} hosts at ${ROUND_TRIP_MS} ms, ${count.toLocaleString('en')} objects`,
      '',
      TABLE_HEAD,
      ...figures.map(row),
      '',
      `${up} up, ${requests.toLocaleString('en')} requests. The first reads what the checks found of each object.`,
    ].join('\n');
  } finally {
    server.close();
  }
}

/** One program that is all mirrors: an answer takes a round trip, the first one of a connection two. */
async function startFarMirrors(root: string): Promise<{ readonly ports: readonly number[]; close(): void }> {
  const greeted = new WeakSet<object>();
  const answer: RequestListener = (request, response) => {
    const delayMs = greeted.has(request.socket) ? ROUND_TRIP_MS : 2 * ROUND_TRIP_MS;
    greeted.add(request.socket);
    const path = (request.url ?? '').replace(/^\/m\d+\//, '');
    const file = Buffer.concat([Buffer.from(`${root}/`), pathToBytes(path)]);
    const sizeBytes = lstatSync(file, { throwIfNoEntry: false })?.size ?? -1;
    const hasBody = request.method === 'GET' && sizeBytes >= 0;
    setTimeout(() => {
      response.writeHead(sizeBytes < 0 ? 404 : 200, { 'content-length': Math.max(0, sizeBytes) });
      response.end(hasBody ? readFileSync(file) : undefined);
    }, delayMs);
  };
  const servers = Array.from({ length: HOSTS }, () => createServer(answer).listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    close() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
