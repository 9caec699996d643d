import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { UsageError } from '../core/errors.ts';
import { encodeHistory } from '../core/formats/history-file.ts';
import { decodeObservations, emptyObservations, encodeObservations } from '../core/formats/observations-file.ts';
import { addToHistory, emptyHistory } from '../core/history.ts';
import type { AccessPoint, Mirror } from '../core/mirror.ts';
import { type Liveness, Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { silentProgress } from '../core/progress.ts';
import { recordLags } from './history.ts';
import { mergeFiles } from './merge-files.ts';
import { testInventory } from './testing/inventory.ts';
import { tempFolder } from './testing/servers.ts';

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
  const merge = (...sources: string[]) => mergeFiles({ output, inventory, mirrors, sources, progress });
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
    merge();
    expect(notes).toEqual(
      [
        expect.stringMatching(/eu\/m\.http\.msgpack: not a whole msgpack file .*; left out$/),
        'us/n.http.msgpack: is about "http://n.example.org/", not "http://n/"; left out',
        expect.stringMatching(/stranger\.http\.msgpack": the mirror list has no such access point; left out$/),
      ].map((wanted) => (typeof wanted === 'string' ? expect.stringContaining(wanted) : wanted)),
    );
    expect(read('m.http').outcome[0]).toBe(Outcome.present);
    expect(() => read('n.http')).toThrow(/ENOENT/);
  });

  test('without anything to merge, or with a path that is not there, says what to do', () => {
    const { merge, output } = harness();
    expect(() => merge()).toThrow(UsageError);
    expect(() => merge()).toThrow(/no vantage has written there; run "redirector check --vantage NAME" first/);
    expect(() => merge(join(output, 'nowhere'))).toThrow(/nowhere: not there; name files or folders/);
  });
});
