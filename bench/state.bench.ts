import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emptyObservations, encodeObservations } from '../core/formats/observations-file.ts';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { readLeader } from '../core/node/leader-files.ts';
import { methodNumber, Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { startSshd } from '../test/servers/sshd.ts';
import { Fixture } from './fixture.ts';
import { type Command, measure, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

const proxyProgram = fileURLToPath(new URL('delaying-proxy.mjs', import.meta.url));
/** As many as Gentoo's list has. */
const ACCESS_POINTS = 450;
const DELAY_MS = 20;
const NOW_S = 1_790_000_000;

/** The merged observations of 450 access points, put into a store on an OpenSSH 20 ms away, and fetched from it. */
export async function benchState(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const sshd = await startSshd();
  const proxy = spawn(process.execPath, [proxyProgram, String(sshd.port), String(DELAY_MS)]);
  try {
    const [port] = (await once(proxy.stdout, 'data')) as [Buffer];
    const urls = Array.from({ length: ACCESS_POINTS }, (_, i) => `http://127.0.0.1:9/m${i}/`);
    const fixture = new Fixture(join(folder, 'state'), tree.root, urls);
    const store = join(folder, 'state-store');
    const place = `sftp://${sshd.user}@127.0.0.1:${port.toString().trim()}${store}`;
    const lines = [
      '[store]',
      `at = "${place}"`,
      `host_key = "${sshd.hostKeySha256}"`,
      `key = "${sshd.privateKeyFile}"`,
    ];
    appendFileSync(join(folder, 'state/redirector.toml'), `${lines.join('\n')}\n`);
    const objects = fillWithEvidence(fixture.output);
    const observations = outputLayout.observationsFolder(fixture.output);
    const state = (label: string, direction: string, prepare: () => void): Command => {
      return { ...fixture.command(label, ACCESS_POINTS, ['state', direction, 'merged', '--json', '--quiet']), prepare };
    };
    const forget = (path: string) => () => rmSync(path, { recursive: true, force: true });
    const figures = await measure(
      [
        state('`redirector state push merged`, all', 'push', forget(store)),
        state('`redirector state push merged`, nothing new', 'push', () => {}),
        state('`redirector state pull merged`, all', 'pull', forget(observations)),
      ],
      rounds,
    );
    const { files, bytes } = JSON.parse(figures[0]?.stdout ?? '');
    return [
      `### State of ${files} access points, ${objects.toLocaleString('en')} objects: ${Math.round(bytes / 1e6)} MB, over SFTP ${DELAY_MS} ms away in each direction`,
      '',
      TABLE_HEAD,
      ...figures.map(row),
    ].join('\n');
  } finally {
    proxy.kill();
    await sshd.close();
  }
}

/** As after a week: all is present, by checks of its own that are spread over seven days. */
function fillWithEvidence(output: string): number {
  const { inventory, mirrors } = readLeader(output);
  const count = inventory.paths.length;
  for (const [i, { id, url }] of mirrors.mirrors.flatMap(({ accessPoints }) => accessPoints).entries()) {
    const observations = emptyObservations(id, url, count, NOW_S);
    observations.outcome.fill(Outcome.present);
    observations.sizeBytes.set(inventory.sizeBytes);
    observations.method.fill(methodNumber(observations.methods, 'http-head'));
    for (let object = 0; object < count; object++) {
      // A run each two hours: its objects have its time.
      const run = Math.imul(object ^ i, 0x9e3779b1) >>> 0;
      observations.evidenceAtS[object] = NOW_S - (run % 84) * 7200;
    }
    observations.ownCheckAtS.set(observations.evidenceAtS);
    writeFileAtomic(outputLayout.observations(output, id), encodeObservations(observations), { durable: false });
  }
  return count;
}
