import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLeader } from '../core/node/leader-files.ts';
import { Outcome } from '../core/observations.ts';
import type { Evidence } from '../generator/maps/evidence.ts';
import { buildOutput } from '../test/built-output.ts';
import { fleetEvidence } from '../test/fleet.ts';
import { startSshd } from '../test/servers/sshd.ts';
import { seeded } from '../test/synthetic.ts';
import { Fixture } from './fixture.ts';
import { measure, row, TABLE_HEAD } from './measure.ts';
import type { BenchTree } from './tree.ts';

/** Objects that are new within an hour: nobody holds them yet, then those who sync next. */
const NEW_OBJECTS = 50;

/**
 * A tree's maps of all regions over SFTP on loopback: the first time, an hour later, and when a mirror has died; and the
 * first time where links are missing at other mirrors than their files.
 */
export async function benchPublish(tree: BenchTree, folder: string, rounds: number): Promise<string> {
  const fixture = new Fixture(join(folder, 'publish'), tree.root, ['https://m0.example.org/gentoo/']);
  const { inventory } = readLeader(fixture.output);
  const count = inventory.paths.length;
  const sshd = await startSshd();
  try {
    const remote = join(fixture.folder, 'remote');
    const target = [
      '[[publish.target]]\nname = "www"\ntype = "sftp"',
      `url = "sftp://${sshd.user}@127.0.0.1:${sshd.port}${remote}"`,
      `key = ${JSON.stringify(sshd.privateKeyFile)}\nhost_key = "${sshd.hostKeySha256}"\n`,
    ];
    writeFileSync(join(fixture.folder, 'redirector.toml'), target.join('\n'), { flag: 'a' });
    const nowMs = Date.now();
    const fleet = fleetEvidence(count, 100);
    const ages = shuffled(count);
    const evidence = agedBy(fleet, (id) => ages[inventory.leadsTo[id] as number] as number);
    const start = join(fixture.folder, 'start');
    const outputs = { hour: join(fixture.folder, 'hour'), death: join(fixture.folder, 'death') };
    const apart = join(fixture.folder, 'apart');
    // Each link with an age of its own, and twice as many objects that somebody lacks.
    await buildOutput(
      apart,
      inventory,
      agedBy(fleet, (id) => (count + (ages[id] as number)) >> 1),
      nowMs,
    );
    await buildOutput(fixture.output, inventory, lacking(evidence, count - NEW_OBJECTS), nowMs - 3_600_000);
    // What stays between two builds (the epoch, the numbers) is read from the first.
    for (const output of Object.values(outputs)) cpSync(fixture.output, output, { recursive: true });
    await buildOutput(outputs.hour, inventory, lacking(evidence, count - NEW_OBJECTS, 3), nowMs);
    await buildOutput(outputs.death, inventory, dead(lacking(evidence, count - NEW_OBJECTS)), nowMs);
    const publish = (label: string, output: string, prepare: () => void) => {
      const command = fixture.command(label, 0, ['publish', '--json', '--quiet']);
      // The last --output counts.
      const [node, ...args] = command.argv;
      return { ...command, argv: [node, ...args, '--output', output] as [string, ...string[]], prepare };
    };
    const forget = () => rmSync(remote, { recursive: true, force: true });
    await measure([publish('', fixture.output, forget)], 0);
    cpSync(remote, start, { recursive: true, verbatimSymlinks: true });
    const back = () => {
      forget();
      cpSync(start, remote, { recursive: true, verbatimSymlinks: true });
    };
    const figures = await measure(
      [
        publish('`redirector publish`, the first', fixture.output, forget),
        publish('…, an hour later', outputs.hour, back),
        publish('…, a mirror has died', outputs.death, back),
        publish('the first, links missing apart from files', apart, forget),
      ],
      rounds,
    );
    const work = figures.map(({ stdout }) => JSON.parse(stdout));
    const sent = work.map(
      ({ uploads: [one], files }) => `${one.files} of ${files} files, ${one.bytes.toLocaleString('en')} bytes`,
    );
    const replays = work.map(
      ({ replay }) =>
        `${replay.answers.toLocaleString('en')} answers (${replay.classes} classes, ${replay.pairs.toLocaleString('en')} pairs, ` +
        `${replay.tables} tables for ${replay.viewers.toLocaleString('en')} viewers)`,
    );
    return [
      `### Publication of ${count.toLocaleString('en')} objects at ${evidence.length} access points, over SFTP on loopback`,
      '',
      TABLE_HEAD,
      ...figures.map(row),
      '',
      `Sent: ${sent.join('; ')}. Replayed, which takes most of the time: ${replays.join('; ')}.`,
    ].join('\n');
  } finally {
    await sshd.close();
  }
}

/** Who holds an object is who holds the object of the fleet with the number of its age: the oldest are everywhere. */
function agedBy(fleet: readonly Evidence[], ageOf: (id: number) => number): Evidence[] {
  return fleet.map((one) => ({ ...one, presence: one.presence.map((_, id) => one.presence[ageOf(id)] as number) }));
}

/** Numbers below `count` in an order that is the same each time. */
function shuffled(count: number): Uint32Array {
  const random = seeded(1);
  const numbers = Uint32Array.from({ length: count }, (_, n) => n);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [numbers[i], numbers[other]] = [numbers[other] as number, numbers[i] as number];
  }
  return numbers;
}

/** The newest objects are held by the first `syncedMirrors` alone. */
function lacking(evidence: readonly Evidence[], firstNew: number, syncedMirrors = 0): Evidence[] {
  return evidence.map((one, n) => {
    const presence = one.presence.slice();
    presence.fill(n < syncedMirrors ? Outcome.present : Outcome.absent, firstNew);
    return { ...one, presence };
  });
}

function dead(evidence: readonly Evidence[]): Evidence[] {
  const { mirror } = evidence[0] as Evidence;
  return evidence.map((one) =>
    one.mirror.id === mirror.id ? { ...one, liveness: { ...one.liveness, state: 'down', reason: 'refused' } } : one,
  );
}
