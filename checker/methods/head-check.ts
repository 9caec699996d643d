import { Outcome, type OutcomeCode } from '../../core/observations.ts';
import type { AskedHow } from '../net/acquaintance.ts';
import type { HeadClient } from '../net/head-client.ts';
import type { Alone } from '../net/pipelining.ts';
import { type Confirmation, confirm, newSamples } from './confirmation.ts';
import type { CheckTask, MethodReport } from './contract.ts';
import type { Samples } from './get-check.ts';
import { howToAskFor, paceOf } from './head-pace.ts';
import { askedPath, askPortion, type PortionReport } from './head-portion.ts';

const MIXED_UP = 'answers several requests on one connection wrongly: asked one at a time';
const ALL = [Outcome.present, Outcome.absent, Outcome.different] as const;

/** How a check ended, and what is to be said of it. */
export interface Ending {
  readonly ended: MethodReport['ended'];
  readonly reasons: readonly string[];
  /** What HEAD showed turned out not to be so. */
  readonly isRefuted?: boolean;
}

/** The objects of a task in portions, from checkpoint to checkpoint; each is confirmed before the next is asked for. */
export class HeadCheck {
  readonly #task: CheckTask;
  readonly #client: HeadClient;
  /** It may still ask when the other may not. */
  readonly #confirming: HeadClient;
  /** What the greeting said; mostly ''. */
  readonly #greeting: string;
  /** By id: 1 = found absent. */
  readonly #absent: Uint8Array;
  #how: AskedHow = 'one at a time';
  #isMixedUp = false;
  readonly #directories = new Map<number, OutcomeCode>();
  /** Of what is not confirmed yet. */
  #samples: Samples;
  #from = 0;
  #spentMs = 0;

  constructor(task: CheckTask, client: HeadClient, confirming: HeadClient, greeting: string) {
    this.#task = task;
    this.#absent = new Uint8Array(task.inventory.paths.length);
    this.#samples = newSamples(task);
    this.#client = client;
    this.#confirming = confirming;
    this.#greeting = greeting;
  }

  /** `alone`: what the host answered to what it was asked for one at a time. */
  async run(alone: Alone | null): Promise<Ending> {
    this.#how = await howToAskFor(this.#task, this.#client, alone);
    this.#isMixedUp = this.#how === 'one a connection';
    for (;;) {
      const ending = await this.#askOn();
      if (ending !== null) return ending;
    }
  }

  /** One portion; null where more are to be asked for. */
  async #askOn(): Promise<Ending | null> {
    const portion = await this.#ask();
    const isInterrupted = portion.ended === 'interrupted';
    if (isInterrupted && portion.found === 0) return ended('interrupted');
    const confirmation = await this.#confirm(portion);
    if (confirmation.verdict === 'mixed up') return this.#beginAnew();
    if (confirmation.verdict === 'refuted') {
      this.#failRest(portion.next, confirmation.reason);
      return { ...ended(confirmation.isUseless ? 'unusable' : 'partial', confirmation.reason), isRefuted: true };
    }
    if (isInterrupted) return ended('interrupted');
    if (this.#isTogether && portion.isMismatched) this.#askOneAConnection(null);
    if (confirmation.verdict === 'confirmed') this.#samples = newSamples(this.#task);
    if (portion.ended !== 'enough') return this.#end(portion, confirmation);
    this.#from = portion.next;
    this.#spentMs += portion.elapsedMs;
    return null;
  }

  #ask(): Promise<PortionReport> {
    const pace = paceOf(this.#how, this.#task.hosts.of(this.#task.accessPoint.url).connections);
    return askPortion(this.#task, this.#client, {
      ...{ pace, from: this.#from, spentMs: this.#spentMs, absent: this.#absent },
      ...{ samples: this.#samples, directories: this.#directories },
    });
  }

  #confirm({ ended }: PortionReport): Promise<Confirmation> {
    const pathOf = (index: number) => askedPath(this.#task, index);
    return confirm(this.#task, this.#confirming, {
      ...{ samples: this.#samples, directories: this.#directories, isTogether: this.#isTogether, ended, pathOf },
    });
  }

  /** What was not reached, and what still waits to be confirmed. */
  #failRest(next: number, reason: string): void {
    const { objectIds, sink } = this.#task;
    sink.dismiss(reason);
    for (const id of this.#directories.keys()) sink.fail(id, reason);
    for (const id of objectIds.subarray(next)) sink.fail(id, reason);
  }

  get #isTogether(): boolean {
    return this.#how === 'pipelined' || this.#how === 'multiplexed';
  }

  /** `known`: what the next check of the run is to know of it; null = it is to be tried anew. */
  #askOneAConnection(known: AskedHow | null): void {
    this.#task.acquaintance.askedHow = known;
    this.#how = 'one a connection';
    this.#isMixedUp = true;
  }

  /** Nothing that this check found counts. */
  #beginAnew(): Ending | null {
    this.#task.sink.withdraw(ALL, MIXED_UP);
    if (this.#task.signal.aborted) return ended('interrupted');
    this.#askOneAConnection('one a connection');
    this.#samples = newSamples(this.#task);
    this.#directories.clear();
    this.#absent.fill(0);
    this.#from = 0;
    this.#spentMs = 0;
    return null;
  }

  #end(portion: PortionReport, confirmation: Confirmation): Ending {
    if (confirmation.verdict === 'unconfirmed') {
      if (this.#task.signal.aborted) return ended('interrupted');
      const reason = portion.reason || confirmation.reason;
      this.#failRest(portion.next, reason);
      return ended('partial', reason, this.#greeting);
    }
    if (portion.ended === 'gave up') return ended('partial', portion.reason, this.#greeting);
    return ended('whole', this.#greeting, this.#isMixedUp ? MIXED_UP : '');
  }
}

function ended(how: Ending['ended'], ...reasons: string[]): Ending {
  return { ended: how, reasons };
}
