import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { RunError, UsageError } from '../core/errors.ts';
import { encodeHistory } from '../core/formats/history-file.ts';
import { encodeLiveness } from '../core/formats/liveness-file.ts';
import { decodeObservations, emptyObservations, encodeObservations } from '../core/formats/observations-file.ts';
import { addToHistory, emptyHistory } from '../core/history.ts';
import type { ProbeRecord } from '../core/liveness.ts';
import type { AccessPoint, Mirror } from '../core/mirror.ts';
import { readProbes } from '../core/node/liveness-files.ts';
import { type Liveness, Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { silentProgress } from '../core/progress.ts';
import { tempFolder } from '../test/temp-folder.ts';
import { recordLags } from './history.ts';
import { mergeFiles } from './merge-files.ts';
import { testInventory } from './testing/inventory.ts';

const NOW_S = 1_800_000_000;
const inventory = testInventory([
  { path: 'a', sizeBytes: 1 },
  { path: 'b', sizeBytes: 2 },
]);

const toClose: { close: () => void }[] = [];
afterEach(() => {
  for (const each of toClose.splice(0)) each.close();
});

function mirror(id: string): Mirror {
  const url = `http://${id}/`;
  const point: AccessPoint = {
    id: `${id}.http`,
    mirrorId: id,
    protocol: 'http',
    url,
    ipv4: true,
    ipv6: false,
    partial: false,
  };
  const places = [{ country: 'DE', latitude: 0, longitude: 0 }];
  return { id, name: id, places, weight: 1, drained: false, accessPoints: [point] };
}

function harness() {
  const folder = tempFolder();
  toClose.push(folder);
  const output = folder.path;
  const notes: string[] = [];
  const put = (file: string, bytes: string | Uint8Array) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  };
  /** What a vantage found of object `id` at a mirror, at a second after `NOW_S`. */
  const found = (
    vantage: string,
    mirrorId: string,
    id: number,
    at: number,
    outcome: number,
    state: Liveness['state'],
  ) => {
    const some = emptyObservations(`${mirrorId}.http`, `http://${mirrorId}/`, 2, 0);
    some.outcome[id] = outcome;
    some.evidenceAtS[id] = NOW_S + at;
    some.sizeBytes[id] = outcome === Outcome.present ? id + 1 : -1;
    const liveness: Liveness = { state, sinceS: NOW_S, checkedAtS: NOW_S + at, reason: state === 'up' ? '' : 'reset' };
    const cost = { startedAtS: NOW_S + at, elapsedMs: 1, requests: 5, connections: 1 };
    some.vantages = { [vantage]: { liveness, cost, roundTripMs: at } };
    const file = outputLayout.observations(output, `${mirrorId}.http`, vantage);
    put(file, encodeObservations(some));
    const entry = { atS: NOW_S + at, coverage: 0.5, isUp: state === 'up', lagS: null, requests: 5 };
    const history = encodeHistory(addToHistory(emptyHistory(`${mirrorId}.http`), entry));
    put(outputLayout.history(output, `${mirrorId}.http`, vantage), history);
    return file;
  };
  const mirrors = { version: 1 as const, takenAtMs: 0, mirrors: [mirror('m'), mirror('n')], notes: [] };
  const progress = { ...silentProgress, note: (line: string) => notes.push(line) };
  const merge = (...sources: string[]) =>
    mergeFiles({ output, inventory, mirrors, sources, nowMs: (NOW_S + 3600) * 1000, progress });
  const read = (id: string) => {
    const file = outputLayout.observations(output, id);
    return decodeObservations(readFileSync(file), 2, file);
  };
  const history = (id: string) => JSON.parse(readFileSync(outputLayout.history(output, id), 'utf8'));
  return { output, notes, put, found, merge, read, history };
}

describe('merge', () => {
  test('folds the files of all vantages, their reports and their histories', () => {
    const { output, found, merge, read, history } = harness();
    found('eu', 'm', 0, 10, Outcome.present, 'up');
    found('us', 'm', 1, 20, Outcome.absent, 'down');
    found('us', 'n', 1, 20, Outcome.present, 'up');
    const summary = merge();
    expect(summary).toEqual({
      files: 3,
      accessPoints: [
        { accessPointId: 'm.http', vantages: ['eu', 'us'] },
        { accessPointId: 'n.http', vantages: ['us'] },
      ],
      probes: { files: 0, accessPoints: 0 },
    });
    const merged = read('m.http');
    expect([...merged.outcome]).toEqual([Outcome.present, Outcome.absent]);
    expect(merged.vantages['eu']?.roundTripMs).toBe(10);
    expect(merged.vantages['us']?.roundTripMs).toBe(20);
    // The older report's voice is a little weaker.
    expect(merged.liveness).toMatchObject({ state: 'down', reason: 'us: reset' });
    expect(history('m.http').days).toMatchObject([{ checks: 2, checksUp: 1, requests: 10 }]);
    merge();
    expect(history('m.http').days).toMatchObject([{ checks: 2, checksUp: 1, requests: 10, lagS: null }]);
    // What a probe found is in the history of them all alone, and stays there.
    recordLags(output, [{ accessPointId: 'm.http', atS: NOW_S + 5, lagS: 90 }], () => {});
    merge();
    expect(history('m.http').days).toMatchObject([{ checks: 2, checksUp: 1, requests: 10, lagS: 90 }]);
  });

  test('of one file after the other is that of all at once, in any order', () => {
    const one = harness();
    const files = [
      one.found('eu', 'm', 0, 10, Outcome.present, 'up'),
      one.found('us', 'm', 0, 20, Outcome.absent, 'down'),
      one.found('asia', 'm', 1, 30, Outcome.present, 'up'),
    ];
    one.merge(...files);
    const all = readFileSync(outputLayout.observations(one.output, 'm.http'));
    const other = harness();
    for (const file of [files[2], files[0], files[1], files[2]]) other.merge(file as string);
    expect(other.read('m.http')).toEqual(one.read('m.http'));
    expect(readFileSync(outputLayout.observations(other.output, 'm.http')).equals(all)).toBe(true);
  });

  test('takes folders as they come from other machines', () => {
    const { output, found, merge, read } = harness();
    found('eu', 'm', 0, 10, Outcome.present, 'up');
    found('us', 'n', 1, 20, Outcome.present, 'up');
    const sent = join(output, 'sent');
    renameSync(outputLayout.observationsFolder(output), sent);
    expect(merge(sent).files).toBe(2);
    expect(read('n.http').outcome[1]).toBe(Outcome.present);
    expect(merge(join(sent, 'eu')).accessPoints).toHaveLength(1);
  });

  test('leaves out what is torn, moved or unknown, says so, and keeps what was merged', () => {
    const { found, merge, read, notes, output } = harness();
    const file = found('eu', 'm', 0, 10, Outcome.present, 'up');
    merge();
    writeFileSync(file, readFileSync(file).subarray(0, 40));
    found('us', 'stranger', 0, 10, Outcome.present, 'up');
    const elsewhere = emptyObservations('n.http', 'http://n.example.org/', 2, 0);
    writeFileSync(join(output, 'observations', 'us', 'n.http.msgpack'), encodeObservations(elsewhere));
    expect(() => merge()).toThrow(new RunError('none of 3 files could be merged: the notes above tell why of each'));
    expect(notes).toEqual(
      [
        expect.stringMatching(/eu\/m\.http\.msgpack: not a whole msgpack file .*; left out$/),
        'us/n.http.msgpack: is about "http://n.example.org/", not "http://n/"; left out',
        'us/stranger.http.msgpack: the mirror list has no access point "stranger.http"; left out',
      ].map((wanted) => (typeof wanted === 'string' ? expect.stringContaining(wanted) : wanted)),
    );
    expect(read('m.http').outcome[0]).toBe(Outcome.present);
    expect(() => read('n.http')).toThrow(/ENOENT/);
    found('asia', 'n', 1, 10, Outcome.present, 'up');
    expect(merge().accessPoints).toEqual([{ accessPointId: 'n.http', vantages: ['asia'] }]);
  });

  test('goes by what stands in a file, whatever it is called', () => {
    const { found, merge, read, output } = harness();
    const sent = join(output, 'sent');
    mkdirSync(sent);
    renameSync(found('eu', 'm', 0, 10, Outcome.present, 'up'), join(sent, 'eu-west.msgpack'));
    // Named as another one's.
    renameSync(found('us', 'm', 1, 20, Outcome.absent, 'up'), join(sent, 'n.http.msgpack'));
    expect(merge(sent)).toMatchObject({
      files: 2,
      accessPoints: [{ accessPointId: 'm.http', vantages: ['eu', 'us'] }],
    });
    expect([...read('m.http').outcome]).toEqual([Outcome.present, Outcome.absent]);
    expect(() => read('n.http')).toThrow(/ENOENT/);
  });

  test('a vantage whose clock is a year ahead has no say, and is named once', () => {
    const { found, merge, read, notes } = harness();
    const yearS = 365 * 86_400;
    found('asia', 'm', 0, yearS, Outcome.present, 'up');
    found('asia', 'n', 0, yearS, Outcome.present, 'up');
    found('eu', 'm', 0, 10, Outcome.absent, 'down');
    merge();
    expect(read('m.http').outcome[0]).toBe(Outcome.absent);
    expect(read('m.http').liveness).toMatchObject({ state: 'down', reason: 'eu: reset' });
    expect(read('n.http').outcome[0]).toBe(Outcome.none);
    expect(read('n.http').liveness.checkedAtS).toBe(0);
    expect(notes).toEqual([
      expect.stringMatching(/observations\/asia: vantage "asia": its clock is 365 days ahead; .* set the clock/),
    ]);
  });

  test('without anything to merge, or with a path that is not there, says what to do', () => {
    const { merge, output, put } = harness();
    expect(() => merge()).toThrow(UsageError);
    expect(() => merge()).toThrow(/no vantage has written there; run "redirector check --vantage NAME" first/);
    expect(() => merge(join(output, 'nowhere'))).toThrow(/nowhere: not there; name files or folders/);
    put(join(output, 'notes.txt'), 'x');
    expect(() => merge(join(output, 'notes.txt'))).toThrow(/notes\.txt: neither \.msgpack nor \.json; name files/);
  });
});

describe('merging probes', () => {
  const NOW = NOW_S + 3000;
  const record = (mirrorId: string, state: Liveness['state'], at: number): ProbeRecord => ({
    accessPointId: `${mirrorId}.http`,
    url: `http://${mirrorId}/`,
    liveness: { state, sinceS: NOW_S, checkedAtS: NOW_S + at, reason: state === 'up' ? '' : 'no answer' },
    ...{
      ipv4Up: state === 'up',
      ipv6Up: null,
      finalHost: '',
      stampLagS: null,
      certificateValidToS: null,
      warnings: [],
    },
    cost: { startedAtS: NOW_S + at, elapsedMs: 1, requests: 4, connections: 1 },
    ...{ knownObjects: [], history: [{ state, atS: NOW_S, reason: state === 'up' ? '' : 'no answer' }] },
  });
  const probed = ({ output, put }: ReturnType<typeof harness>, vantage: string, ...records: ProbeRecord[]) => {
    const file = outputLayout.liveness(output, vantage);
    const whose = vantage === '' ? {} : { vantage };
    put(file, encodeLiveness({ version: 1, ...whose, probedAtMs: NOW_S * 1000, accessPoints: records }));
    return file;
  };
  const folded = ({ output }: ReturnType<typeof harness>) => readFileSync(outputLayout.liveness(output), 'utf8');

  test('a mirror that is cut off from one vantage alone stays up; the folded file is what is read', () => {
    const one = harness();
    probed(one, 'eu', record('m', 'down', 2900), record('n', 'up', 2900));
    probed(one, 'us', record('m', 'up', 2800));
    probed(one, 'asia', record('m', 'up', 2700));
    expect(one.merge()).toEqual({ files: 0, accessPoints: [], probes: { files: 3, accessPoints: 2 } });
    const read = readProbes(one.output, NOW, (line) => one.notes.push(line));
    const [m] = mirror('m').accessPoints;
    expect(read(m as AccessPoint)).toMatchObject({ liveness: { state: 'up', checkedAtS: NOW_S + 2900 }, ipv4Up: true });
    probed(one, 'us', record('m', 'down', 2950));
    one.merge();
    const after = readProbes(one.output, NOW, () => {})(m as AccessPoint);
    expect(after?.liveness).toMatchObject({ state: 'down', reason: 'us: no answer' });
    expect(Object.keys(after?.vantages ?? {})).toEqual(['asia', 'eu', 'us']);
    expect(one.notes).toEqual([]);
  });

  test('one file after the other is all at once, in any order, and a late one counts for what it is', () => {
    const all = harness();
    const files = ['eu', 'us', 'asia'].map((name, i) =>
      probed(all, name, record('m', i === 1 ? 'down' : 'up', 2000 + i), record('n', 'up', 2500 - i)),
    );
    all.merge(...files);
    const other = harness();
    for (const i of [2, 0, 1, 2]) other.merge(files[i] as string);
    expect(folded(other)).toBe(folded(all));
  });

  test('takes a copy by the vantage that stands in it; leaves out strangers, torn files and clocks that are ahead', () => {
    const one = harness();
    const copy = join(one.output, 'copy.json');
    renameSync(probed(one, 'eu', record('m', 'up', 100), record('stranger', 'up', 100)), copy);
    const late = probed(one, 'asia', record('m', 'down', 90 * 86_400));
    one.put(outputLayout.liveness(one.output, 'us'), '{"version":1,');
    one.merge(copy, late, outputLayout.liveness(one.output, 'us'));
    expect(JSON.parse(folded(one)).accessPoints).toMatchObject([
      { accessPointId: 'm.http', liveness: { state: 'up' }, vantages: { eu: { liveness: { state: 'up' } } } },
    ]);
    expect(one.notes).toEqual([
      expect.stringMatching(
        /copy\.json: 1 of its access points, "http:\/\/stranger\/" the first, are not on the mirror list/,
      ),
      expect.stringMatching(/asia\.json: vantage "asia": its clock is 90 days ahead/),
      expect.stringMatching(/us\.json: .*; left out$/),
    ]);
    expect(() => one.merge(outputLayout.liveness(one.output, 'us'))).toThrow(RunError);
  });
});
