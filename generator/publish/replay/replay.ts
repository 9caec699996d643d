import { setImmediate as turn } from 'node:timers/promises';
import { RunError } from '../../../core/errors.ts';
import type { BuiltFunction } from '../../../core/function-event.ts';
import type { Progress } from '../../../core/progress.ts';
import type { Built } from '../read-built.ts';
import { eventOf, type Scheme, type Viewer } from './event.ts';
import { type Claim, Judge, type Named, type Policy } from './judge.ts';
import { type Kinds, kindsOf } from './kinds.ts';
import { ClaimSets, firstWithout, isWrong, type Question, questionsFor, type Row, unionOf } from './rows.ts';
import { type MappedViewer, privateViewersOf, viewersOf } from './viewers.ts';

export interface ReplayReport {
  readonly objects: number;
  /** Regions × schemes × shards, and private networks × schemes. */
  readonly viewers: number;
  readonly classes: number;
  readonly answers: number;
  /** Objects that somebody holds for everybody, and that were sent to the fallback over a scheme. */
  readonly missed: number;
  /** How many answers were wrong; the first of them as sentences. */
  readonly wrong: number;
  readonly examples: readonly string[];
}

export interface ReplayInput {
  readonly built: Pick<Built, 'inventory' | 'evidence' | 'table' | 'maps'>;
  /** What `answer` reads. */
  readonly keys: ReadonlyMap<string, string>;
  readonly answer: BuiltFunction;
  readonly policy: Policy;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const MOST_EXAMPLES = 10;
/** So often others get their turn: Ctrl-C, the lock's renewal, the progress bar. */
const ANSWERS_PER_TURN = 2000;
/** A name that no tree has: what is not known belongs to no class. */
const UNKNOWN_PATH = 'distfiles/.redirector-replay/no-such-object';
const UNKNOWN = -1;

/**
 * Asks the built function for every object, and judges each answer by the evidence. docs/decisions/0007-replay.md says
 * what is asked and what it proves. Throws RunError where `signal` is raised; wrong answers are in the report.
 */
export async function replay(input: ReplayInput): Promise<ReplayReport> {
  const run = new Replay(input);
  const rows = await run.classRows();
  await run.everyObject(rows);
  return run.report(rows.size - 1);
}

class Replay {
  readonly #input: ReplayInput;
  readonly #judge: Judge;
  readonly #viewers: readonly MappedViewer[];
  readonly #kinds: Kinds;
  readonly #sets = new ClaimSets();
  readonly #examples: string[] = [];
  #answers = 0;
  #wrong = 0;
  #missed = 0;

  constructor(input: ReplayInput) {
    this.#input = input;
    const { built, policy, keys } = input;
    this.#judge = new Judge(built, policy);
    this.#viewers = [...viewersOf(built.maps, policy.upgrade), ...privateViewersOf(built.evidence, keys)];
    this.#kinds = kindsOf(built, keys);
  }

  /** By representative object (and `UNKNOWN`): what every viewer is told. Each claim is judged for its viewer. */
  async classRows(): Promise<Map<number, Row>> {
    const representatives = new Map<number, number>();
    this.#kinds.kindOf.forEach((kind, id) => {
      if (kind !== 0 && !representatives.has(kind)) representatives.set(kind, id);
    });
    const ids = [UNKNOWN, ...representatives.values()];
    const rows = new Map(ids.map((id) => [id, new Int32Array(this.#viewers.length)]));
    const task = this.#input.progress.start('replay of classes', ids.length * this.#viewers.length, 'answers');
    for (const [at, viewer] of this.#viewers.entries()) {
      // Few different things are said to one viewer, and what was judged right once stays so.
      const judged = new Set<number>();
      for (const [id, row] of rows) {
        const { places, reason } = await this.#list(viewer, id);
        row[at] = this.#sets.idOf(places);
        if (id === UNKNOWN && places.length > 0) this.#tell(viewer, id, 'is sent to a mirror, though nobody has it');
        if (!judged.has(row[at] as number)) this.#judgePlaces(viewer, id, places, reason);
        judged.add(row[at] as number);
      }
      task.advance(rows.size);
    }
    task.end();
    return rows;
  }

  #judgePlaces(viewer: MappedViewer, id: number, places: readonly number[], reason: string): void {
    for (const place of places) {
      const objection = this.#judge.objection(place, viewer);
      if (objection !== '') this.#tell(viewer, id, `${this.#url(place)} ${objection}`);
      else if (reason.includes(' reason=near') && !this.#isOf(place, viewer)) {
        this.#tell(viewer, id, `${this.#url(place)} is not in its region's map`);
      }
    }
  }

  /** Every object: the questions that tell its class, and once over each scheme an ordinary request. */
  async everyObject(rows: ReadonlyMap<number, Row>): Promise<void> {
    const { inventory } = this.#input.built;
    const { kindOf, wrongAliases } = this.#kinds;
    for (const [id, path] of wrongAliases)
      this.#tell(null, id, `may be answered with /${path}, where it does not lead`);
    const used = new Map<number, number>();
    for (const kind of kindOf) used.set(kind, (used.get(kind) ?? 0) + 1);
    const weights = [...rows.keys()].map((id) => used.get(id === UNKNOWN ? 0 : (kindOf[id] as number)) ?? 0);
    const questions = questionsFor([...rows.values()], weights);
    const unions = new Map<Row, readonly number[]>();
    for (const row of rows.values()) unions.set(row, unionOf(row, this.#sets));
    const perScheme = (['https', 'http'] as const).map((scheme) =>
      this.#viewers.filter((one) => one.scheme === scheme),
    );
    const task = this.#input.progress.start('replay of objects', inventory.paths.length, 'objects');
    for (let id = 0; id < inventory.paths.length; id++) {
      const row = await this.#rowOf(id, questions);
      const without = row === null ? -1 : firstWithout(this.#judge, unions.get(row) as readonly number[], id);
      if (without >= 0) this.#tell(null, id, `${this.#url(without)} is not known to hold it`);
      for (const some of perScheme) await this.#redirect(some[id % some.length] as Viewer, id);
      task.advance(1);
    }
    task.end();
  }

  /** The row that an object's answers are of; null, and told, where they are of none. */
  async #rowOf(id: number, questions: Question): Promise<Row | null> {
    let at = questions;
    while (at.viewer !== null) {
      const viewer = this.#viewers[at.viewer] as MappedViewer;
      const next = at.next.get(this.#sets.idOf((await this.#list(viewer, id)).places));
      if (next === undefined) {
        this.#tell(viewer, id, 'is answered as no class of the maps is');
        return null;
      }
      at = next;
    }
    return at.row;
  }

  report(classes: number): ReplayReport {
    return {
      objects: this.#input.built.inventory.paths.length,
      viewers: this.#viewers.length,
      classes,
      answers: this.#answers,
      missed: this.#missed,
      wrong: this.#wrong,
      examples: this.#examples,
    };
  }

  async #list(viewer: Viewer, id: number): Promise<{ places: readonly number[]; reason: string }> {
    const named = this.#named(id, true);
    const answer = await this.#ask(viewer, named.asked, true);
    const places = this.#unlessWrong(this.#judge.listClaim(answer, viewer, named), viewer, id);
    return { places, reason: answer.headers['x-redirector']?.value ?? '' };
  }

  /** Whether the published map names it in the viewer's shard. */
  #isOf(place: number, { shard }: MappedViewer): boolean {
    const { accessPoints } = this.#input.built.table;
    return shard.some((number) => accessPoints[number]?.url === this.#url(place));
  }

  /** As viewers ask: a directory without its slash, every second one over IPv6. */
  async #redirect(viewer: Viewer, id: number): Promise<void> {
    const named = this.#named(id, false);
    const from = id % 2 === 0 ? viewer : { ...viewer, ip: `2001:db8:${(id & 0xffff).toString(16)}::1` };
    const answer = await this.#ask(from, named.asked, false);
    const [place] = this.#unlessWrong(this.#judge.redirectClaim(answer, from, named), from, id);
    if (place === undefined) {
      if (this.#isHeldForAll(id, viewer.scheme)) this.#missed++;
      return;
    }
    const objection = this.#judge.holds(place, id) ? this.#judge.objection(place, from) : 'is not known to hold it';
    if (objection !== '') this.#tell(from, id, `${this.#url(place)} ${objection}`);
  }

  #isHeldForAll(id: number, scheme: Scheme): boolean {
    const { leadsTo } = this.#input.built.inventory;
    const isHeld = (one: number) => this.#judge.isHeldForAll(one, scheme);
    return isHeld(id) || (this.#kinds.isAliased(id) && isHeld(leadsTo[id] as number));
  }

  async #ask(viewer: Viewer, path: string, list: boolean) {
    if (++this.#answers % ANSWERS_PER_TURN === 0) {
      await turn();
      if (this.#input.signal.aborted) throw new RunError('interrupted in the replay; nothing was published');
    }
    return this.#input.answer(eventOf(viewer, path, { list }));
  }

  #unlessWrong(claim: Claim, viewer: Viewer, id: number): readonly number[] {
    if (!isWrong(claim)) return claim;
    this.#tell(viewer, id, claim);
    return [];
  }

  #named(id: number, listed: boolean): Named {
    if (id === UNKNOWN) return { asked: UNKNOWN_PATH, path: UNKNOWN_PATH, alias: null };
    return this.#judge.named(id, { listed });
  }

  /** `viewer` is null where it is some viewer. */
  #tell(viewer: Viewer | null, id: number, what: string): void {
    this.#wrong++;
    if (this.#examples.length === MOST_EXAMPLES) return;
    if (viewer === null) {
      this.#examples.push(`/${this.#named(id, true).path}: ${what}`);
      return;
    }
    const { country, subdivision, scheme, ip } = viewer;
    const place = `${country === '' ? 'an unknown country' : country}${subdivision === '' ? '' : `-${subdivision}`}`;
    this.#examples.push(`/${this.#named(id, true).path} for ${ip} in ${place} over ${scheme}: ${what}`);
  }

  #url(claim: number): string {
    return this.#judge.evidence[this.#judge.placeOf(claim)]?.accessPoint.url ?? '';
  }
}
