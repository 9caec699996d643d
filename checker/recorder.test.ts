import { describe, expect, test } from 'vitest';
import { emptyObservations } from '../core/formats/observations-file.ts';
import { Outcome } from '../core/observations.ts';
import { ListingDraft, sampledName } from './listing.ts';
import { Recorder } from './recorder.ts';
import { testInventory } from './testing/inventory.ts';

const COUNT = 600;
function recorderAt(nowS: number, observations = emptyObservations('m.http', 'http://m/', COUNT, 0)) {
  let settled = 0;
  const before = structuredClone(observations);
  const answers = [observations];
  const recorder = new Recorder(
    () => answers.pop() ?? structuredClone(before),
    COUNT,
    () => nowS * 1000,
    (objects) => {
      settled += objects;
    },
  );
  return { recorder, observations, sink: recorder.sink('http-head'), settled: () => settled };
}

describe('recorder', () => {
  test('a failed check is written beside older evidence, never over it', () => {
    const { sink, observations } = recorderAt(100);
    sink.record(1, Outcome.present, 5);
    recorderAt(200, observations).sink.fail(1, 'no answer');
    expect([observations.outcome[1], observations.sizeBytes[1], observations.evidenceAtS[1]]).toEqual([1, 5, 100]);
    expect([observations.failedAtS[1], observations.failures[observations.failure[1]!]]).toEqual([200, 'no answer']);
    recorderAt(300, observations).sink.record(1, Outcome.absent, -1);
    expect([observations.outcome[1], observations.evidenceAtS[1], observations.failedAtS[1]]).toEqual([2, 300, 0]);
  });

  test('counts failures in a row, those of a run once', () => {
    const { observations } = recorderAt(100);
    const timesAfter = (nowS: number, run: (recorder: Recorder) => void) => {
      const { recorder } = recorderAt(nowS, observations);
      run(recorder);
      return observations.failedTimes[1];
    };
    const failing = (recorder: Recorder) => {
      const sink = recorder.sink('http-head');
      sink.hint(1);
      sink.fail(1, 'no answer');
      sink.record(1, Outcome.present, 5);
      sink.withdraw([Outcome.present], 'soft 404');
    };
    const counted = (recorder: Recorder) => {
      failing(recorder);
      recorder.countFailures();
    };
    expect([100, 200, 300].map((nowS) => timesAfter(nowS, counted))).toEqual([1, 2, 3]);
    expect(timesAfter(400, failing)).toBe(3);
    expect(timesAfter(500, (recorder) => recorder.countFailures())).toBe(3);
    observations.failedTimes[1] = 255;
    expect(timesAfter(600, counted)).toBe(255);
    expect(timesAfter(700, (recorder) => recorder.sink('http-head').record(1, Outcome.present, 5))).toBe(0);
    expect(timesAfter(800, counted)).toBe(1);
  });

  test('withdrawing brings back what older runs found, and leaves what was found absent', () => {
    const { sink, observations } = recorderAt(100);
    sink.record(1, Outcome.different, 9);
    const second = recorderAt(200, observations);
    second.sink.record(1, Outcome.present, 5);
    second.sink.record(2, Outcome.present, 5);
    second.sink.record(3, Outcome.absent, -1);
    second.sink.withdraw([Outcome.present, Outcome.different], 'soft 404');
    expect([...observations.outcome.subarray(0, 4)]).toEqual([0, Outcome.different, 0, Outcome.absent]);
    expect([observations.sizeBytes[1], observations.evidenceAtS[1], observations.sizeBytes[2]]).toEqual([9, 100, -1]);
    expect(second.recorder.counts()).toEqual({ present: 0, absent: 1, different: 0, failed: 2 });
    expect(second.recorder.foundOutcome(1)).toBe(Outcome.none);
  });

  test('what is not confirmed is taken back, as if it had not been asked for', () => {
    const before = recorderAt(100);
    before.sink.record(1, Outcome.different, 9);
    before.sink.fail(2, 'no answer');
    const { recorder, sink, observations } = recorderAt(200, before.observations);
    sink.record(0, Outcome.present, 5);
    sink.confirm();
    for (const id of [1, 2, 3]) sink.record(id, Outcome.present, 5);
    sink.fail(4, 'cut');
    recorder.takeBack();
    expect([...observations.outcome.subarray(0, 5)]).toEqual([Outcome.present, Outcome.different, 0, 0, 0]);
    expect([...observations.failedAtS.subarray(0, 5)]).toEqual([0, 0, 100, 0, 200]);
    expect([observations.sizeBytes[1], observations.failures[observations.failure[2]!]]).toEqual([9, 'no answer']);
    expect(recorder.counts()).toEqual({ present: 1, absent: 0, different: 0, failed: 1 });
  });

  test('what is dismissed has failed; what was confirmed before stands', () => {
    const { recorder, sink, observations } = recorderAt(100);
    sink.record(0, Outcome.present, 5);
    sink.confirm();
    sink.record(1, Outcome.absent, -1);
    sink.dismiss('died');
    recorder.takeBack();
    expect([...observations.outcome.subarray(0, 2)]).toEqual([Outcome.present, 0]);
    expect([observations.failedAtS[1], observations.failures]).toEqual([100, ['died']]);
    expect(recorder.counts()).toMatchObject({ present: 1, failed: 1 });
  });

  test('more reasons than the table holds become "other"; unused ones make room in the next run', () => {
    const { sink, observations } = recorderAt(100);
    for (let id = 0; id < COUNT; id++) sink.fail(id, `reason ${id}`);
    const reasonOf = (id: number) => observations.failures[observations.failure[id]!];
    expect(observations.failures.length).toBe(256);
    expect([reasonOf(254), reasonOf(255), reasonOf(599)]).toEqual(['reason 254', 'other', 'other']);
    for (let id = 0; id < COUNT; id++) if (id !== 7) sink.record(id, Outcome.present, 1);
    const next = recorderAt(200, observations);
    expect([observations.failures, reasonOf(7)]).toEqual([['reason 7'], 'reason 7']);
    next.sink.fail(8, 'new');
    expect([reasonOf(7), reasonOf(8)]).toEqual(['reason 7', 'new']);
  });

  test('since moves only when the state does', () => {
    const { recorder, observations } = recorderAt(100);
    recorder.setLiveness('up', '');
    expect(observations.liveness).toEqual({ state: 'up', sinceS: 100, checkedAtS: 100, reason: '' });
    recorderAt(200, observations).recorder.setLiveness('up', '');
    expect(observations.liveness).toMatchObject({ sinceS: 100, checkedAtS: 200 });
    recorderAt(300, observations).recorder.setLiveness('down', 'refused');
    expect(observations.liveness).toMatchObject({ state: 'down', sinceS: 300, reason: 'refused' });
  });

  test('takes over what a listing found in its run, as old as it is, and nothing that failed', () => {
    const listing = new ListingDraft(
      testInventory([{ path: 'a' }, { path: 'b', sizeBytes: 5 }, { path: 'c' }, { path: 'd' }]),
      'm',
      'rsync',
      100,
    );
    listing.sink.record(1, Outcome.present, 5);
    listing.sink.fail(2, 'broke off');
    const { recorder, observations } = recorderAt(200);
    recorder.takeOver(Int32Array.of(1, 2, 3), listing, sampledName('rsync'));
    expect([observations.outcome[1], observations.sizeBytes[1], observations.evidenceAtS[1]]).toEqual([1, 5, 100]);
    expect(observations.methods[observations.method[1]!]).toBe('rsync+sample');
    expect([observations.outcome[2], observations.outcome[3]]).toEqual([0, 0]);
  });

  test('evidence of the method that checks the access point is a check of its own, what is taken over only the first time', () => {
    const listing = new ListingDraft(testInventory([{ path: 'a' }, { path: 'b', sizeBytes: 5 }]), 'm', 'x', 250);
    listing.sink.record(0, Outcome.present, -1);
    listing.sink.record(1, Outcome.present, 5);
    const { sink, observations } = recorderAt(100);
    sink.record(0, Outcome.present, -1);
    recorderAt(300, observations).recorder.takeOver([0, 1], listing, 'x');
    expect([...observations.evidenceAtS.slice(0, 2), ...observations.ownCheckAtS.slice(0, 2)]).toEqual([
      250, 250, 100, 250,
    ]);
    recorderAt(400, observations).recorder.sink('anything').record(1, Outcome.present, 5);
    expect(observations.ownCheckAtS[1]).toBe(400);
  });

  test('progress counts each object once', () => {
    const { recorder, sink, settled } = recorderAt(100);
    for (let id = 0; id < COUNT; id++) sink.fail(id, 'x');
    sink.record(3, Outcome.present, 1);
    recorder.flushProgress();
    expect(settled()).toBe(COUNT);
  });
});
