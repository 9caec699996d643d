import type { ObjectTable } from '../../../core/formats/map-file.ts';
import type { FunctionResponse } from '../../../core/function-event.ts';
import { parseEdgeKey } from '../../../core/key-kinds.ts';
import type { Asker, WatchedKeys } from './asking.ts';
import { type Expected, isWrong, type Named } from './claims.ts';
import type { Findings } from './findings.ts';
import type { Judge } from './judge.ts';
import type { Kinds } from './kinds.ts';
import type { LookedUp } from './looked-up.ts';
import { isSameSet, KeptClaims, Told } from './told.ts';
import type { MappedViewer } from './viewers.ts';

/** Viewers for whom the function reads the same table. */
export interface Table {
  /** Theirs is missing, and it is that of the viewers of whom nothing is known. */
  readonly isDefault: boolean;
  readonly viewers: MappedViewer[];
  readonly told: Told;
}

export interface TablesInput {
  readonly asker: Asker;
  /** What `asker` reads. */
  readonly keys: WatchedKeys;
  readonly judge: Judge;
  readonly findings: Findings;
  readonly found: LookedUp;
  readonly kinds: Kinds;
  readonly accessPoints: ObjectTable['accessPoints'];
  /** Shown how many answers are still to come here. */
  readonly onward: (answers: number) => void;
}

/** A name that no tree has: what is not known belongs to no class. */
const UNKNOWN_PATH = 'distfiles/.redirector-replay/no-such-object';
const UNKNOWN: Named = { asked: UNKNOWN_PATH, path: UNKNOWN_PATH, alias: null };
/** Each viewer is asked for so many classes and pairs in turn, whatever its table was found to say of them. */
const ASKED_OF_EACH = 6;
/** Before that: for a name that nobody has, and for something known. */
const ASKED_FIRST = 2;

/** How many answers `askTables` asks for. */
export function answersAtTables(kinds: Kinds, tables: number, viewers: number): number {
  const ofEach = Math.min(ASKED_OF_EACH, allOf(kinds).length);
  return tables * (kinds.ofClass.size + kinds.ofPairs.size) + viewers * (ASKED_FIRST + ofEach);
}

function allOf({ ofClass, ofPairs }: Kinds): readonly number[] {
  return [...ofClass.values(), ...[...ofPairs.values()].flat()];
}

/** Which table the function reads for each viewer, and what it tells of every class by it; each claim judged for its viewers. */
export async function askTables(input: TablesInput, viewers: readonly MappedViewer[]): Promise<readonly Table[]> {
  const asking = new Asking(input);
  const tables = await asking.tablesOf(viewers);
  input.onward(answersAtTables(input.kinds, tables.length, viewers.length) - ASKED_FIRST * viewers.length);
  for (const [at, table] of tables.entries()) {
    await asking.classes(table);
    await asking.pairs(table, at);
    asking.judge(table);
  }
  const ids = allOf(input.kinds);
  for (const table of tables) for (const viewer of table.viewers) await asking.some(viewer, table, ids);
  return tables;
}

class Asking {
  readonly #input: TablesInput;
  /** So the next viewer is asked for the next objects. */
  #next = 0;

  constructor(input: TablesInput) {
    this.#input = input;
  }

  /** By what the function reads when it is asked for something known, and by the family where some mirror has IPv6 alone. */
  async tablesOf(viewers: readonly MappedViewer[]): Promise<Table[]> {
    const { judge, keys, kinds } = this.#input;
    const [known] = allOf(kinds);
    const byFamily = judge.evidence.some(({ accessPoint }) => accessPoint.ipv6 && !accessPoint.ipv4);
    const kept = new KeptClaims();
    const tables = new Map<string, Table>();
    for (const viewer of viewers) {
      const { claims } = await this.#list(viewer, UNKNOWN, []);
      if (claims.length > 0) this.#tell(viewer, UNKNOWN, 'is sent to a mirror, though nobody has it');
      const read = known === undefined ? [] : await keys.during(() => this.#list(viewer, this.#named(known), null));
      const own = read.filter((key) => parseEdgeKey(key)?.kind === 'table');
      const name = [...own, byFamily && viewer.ip.includes(':') ? '6' : ''].join(' ');
      const table = tables.get(name) ?? { isDefault: own.length > 1, viewers: [], told: new Told(judge.roots, kept) };
      table.viewers.push(viewer);
      tables.set(name, table);
    }
    return [...tables.values()];
  }

  async classes({ viewers, told }: Table): Promise<void> {
    const viewer = viewers[0] as MappedViewer;
    for (const [classId, id] of this.#input.kinds.ofClass) {
      // By its class alone it is never answered with what it leads to.
      const { claims, isFar } = await this.#list(viewer, { ...this.#named(id), alias: null }, null);
      told.learn(classId, claims, isFar);
    }
  }

  /** Of links of each class one, at each table with a target of another class: it is told what the two classes are told. */
  async pairs({ viewers, told }: Table, at: number): Promise<void> {
    const { found, kinds, judge } = this.#input;
    const viewer = viewers.at(-1) as MappedViewer;
    for (const [classId, ids] of kinds.ofPairs) {
      const id = ids[at % ids.length] as number;
      const named = this.#named(id);
      const aliasClassId = found.aliasOf[id] as number;
      const isKnown = told.knows(classId) && told.knows(aliasClassId);
      const { claims } = await this.#list(viewer, named, isKnown ? told.of(classId, aliasClassId) : null);
      const isOwn = (claim: number) => !judge.roots.isAlias(claim);
      if (!told.knows(classId)) told.learn(classId, claims.filter(isOwn), false);
      if (!told.knows(aliasClassId)) this.#tell(null, named, 'leads to a class that no object is of');
      else this.#compare(viewer, named, claims, told.of(classId, aliasClassId));
    }
  }

  /** Whether everybody whom the table names may be named to each of its viewers. */
  judge({ viewers, told, isDefault }: Table): void {
    const { judge } = this.#input;
    const near = new Map<number, number>();
    const all = new Map<number, number>();
    told.forEach((classId, one) => {
      for (const claim of one.near) near.set(claim, classId);
      for (const claim of one.far) all.set(claim, classId);
    });
    for (const [claim, classId] of near) all.set(claim, classId);
    for (const viewer of viewers) {
      const isMapped = !isDefault && viewer.region !== '';
      for (const [claim, classId] of all) {
        const objection = judge.objection(claim, viewer);
        if (objection !== '') this.#objectTo(claim, classId, viewer, objection);
        else if (isMapped && near.has(claim) && !this.#isMapped(claim, viewer))
          this.#objectTo(claim, classId, viewer, "is not in its region's map");
      }
    }
  }

  async some(viewer: MappedViewer, { told }: Table, ids: readonly number[]): Promise<void> {
    const { classOf, aliasOf } = this.#input.found;
    for (let i = 0; i < Math.min(ASKED_OF_EACH, ids.length); i++) {
      const id = ids[this.#next++ % ids.length] as number;
      const named = this.#named(id);
      const expected = told.of(classOf[id] as number, aliasOf[id] as number);
      const { claims } = await this.#list(viewer, named, expected);
      this.#compare(viewer, named, claims, expected);
    }
  }

  #compare(viewer: MappedViewer, named: Named, claims: readonly number[], expected: readonly number[]): void {
    if (!isSameSet(claims, expected)) this.#tell(viewer, named, 'is answered otherwise than its class');
  }

  async #list(
    viewer: MappedViewer,
    named: Named,
    expected: Expected,
  ): Promise<{ claims: readonly number[]; isFar: boolean }> {
    const answer: FunctionResponse = await this.#input.asker.ask(viewer, named.asked, { list: true });
    const claims = this.#input.judge.listClaim(answer, viewer, named, expected);
    const isFar = answer.headers['x-redirector']?.value.includes(' reason=far') === true;
    if (!isWrong(claims)) return { claims, isFar };
    this.#tell(viewer, named, claims);
    return { claims: [], isFar };
  }

  /** Whether the published map names it in the viewer's shard. */
  #isMapped(claim: number, { shard }: MappedViewer): boolean {
    const url = this.#input.judge.url(claim);
    return shard.some((number) => this.#input.accessPoints[number]?.url === url);
  }

  #objectTo(claim: number, classId: number, viewer: MappedViewer, objection: string): void {
    const { found, judge } = this.#input;
    const named = this.#named(found.classOf.indexOf(classId));
    this.#tell(viewer, named, `${judge.url(claim)} ${objection}`);
  }

  #named(id: number): Named {
    return this.#input.judge.named(id, { listed: true });
  }

  #tell(viewer: MappedViewer | null, { path }: Named, what: string): void {
    this.#input.findings.tell(viewer, path, what);
  }
}
