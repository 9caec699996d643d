import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeLiveness } from '../formats/liveness-file.ts';
import { emptyObservations, encodeObservations } from '../formats/observations-file.ts';
import type { ProbeRecord } from '../liveness.ts';
import { Outcome } from '../observations.ts';
import { outputLayout } from '../output-layout.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { readProbes } from './liveness-files.ts';
import { readObservations } from './observation-files.ts';

const NOW_S = 1_800_000_000;
const DAY_S = 86_400;
const POINT = { id: 'm.http', url: 'http://m/' };

let output: string;
let notes: string[];
const note = (line: string) => notes.push(line);
beforeEach(() => {
  output = mkdtempSync(join(tmpdir(), 'evidence-'));
  notes = [];
});
afterEach(() => rmSync(output, { recursive: true, force: true }));

function checked(atS: number, vantage = ''): void {
  const found = emptyObservations(POINT.id, POINT.url, 1, 0);
  found.outcome[0] = Outcome.present;
  found.evidenceAtS[0] = atS;
  writeFileAtomic(outputLayout.observations(output, POINT.id, vantage), encodeObservations(found));
}

function probed(atS: number, vantage = ''): void {
  const record: ProbeRecord = {
    ...{ accessPointId: POINT.id, url: POINT.url, ipv4Up: true, ipv6Up: null, finalHost: '', stampLagS: null },
    liveness: { state: 'down', sinceS: atS, checkedAtS: atS, reason: 'reset' },
    ...{ certificateValidToS: null, warnings: [], knownObjects: [], history: [] },
    cost: { startedAtS: atS, elapsedMs: 1, requests: 1, connections: 1 },
  };
  const file = { version: 1, probedAtMs: atS * 1000, accessPoints: [record] } as const;
  writeFileAtomic(outputLayout.liveness(output, vantage), encodeLiveness(vantage === '' ? file : { ...file, vantage }));
}

test('evidence from the future is none, whatever time has passed, until that time has come', () => {
  checked(NOW_S + 365 * DAY_S);
  const outcome = (nowS: number) => readObservations(output, POINT, 1, nowS, note)?.outcome[0];
  expect(outcome(NOW_S)).toBe(Outcome.none);
  expect(outcome(NOW_S + 200 * DAY_S)).toBe(Outcome.none);
  expect(notes).toEqual([
    expect.stringMatching(/observations: its clock is 365 days ahead/),
    expect.stringMatching(/observations: its clock is 165 days ahead/),
  ]);
  expect(outcome(NOW_S + 365 * DAY_S)).toBe(Outcome.present);
});

test('a probe from the future is none', () => {
  probed(NOW_S + DAY_S);
  expect(readProbes(output, NOW_S, note)(POINT)).toBe(null);
  expect(notes).toEqual([expect.stringMatching(/liveness\.json: its clock is 24 hours ahead/)]);
  expect(readProbes(output, NOW_S + DAY_S, note)(POINT)?.liveness.state).toBe('down');
});

test('each vantage has files of its own', () => {
  checked(NOW_S, 'eu');
  probed(NOW_S, 'eu');
  expect(readObservations(output, POINT, 1, NOW_S, note)).toBe(null);
  expect(readObservations(output, POINT, 1, NOW_S, note, 'eu')?.outcome[0]).toBe(Outcome.present);
  expect(readProbes(output, NOW_S, note)(POINT)).toBe(null);
  expect(readProbes(output, NOW_S, note, 'eu')(POINT)?.liveness.state).toBe('down');
});
