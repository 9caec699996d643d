import { MOST_CLASSES } from '../../../core/edge-keys.ts';
import type { Inventory } from '../../../core/inventory.ts';
import { Outcome } from '../../../core/observations.ts';
import type { Asker } from './asking.ts';
import { isWrong } from './claims.ts';
import type { Scheme } from './event.ts';
import type { Findings } from './findings.ts';
import type { Judge } from './judge.ts';
import type { LookedUp } from './looked-up.ts';
import type { Table } from './tables.ts';
import type { MappedViewer } from './viewers.ts';

export interface ObjectsInput {
  readonly asker: Asker;
  readonly judge: Judge;
  readonly findings: Findings;
  readonly found: LookedUp;
  readonly inventory: Inventory;
  readonly tables: readonly Table[];
}

/** Whether each access point that anybody is told of a class holds every object of it. */
export function judgeObjects(input: ObjectsInput): void {
  const { judge, findings, found, inventory } = input;
  const { classOf, aliasOf } = found;
  const isTold = toldClasses(input);
  for (const [place, { presence, accessPoint }] of judge.evidence.entries()) {
    const told = isTold[place] as Uint8Array;
    for (let id = 0; id < classOf.length; id++) {
      const lacks =
        (told[classOf[id] as number] === 1 && presence[id] !== Outcome.present) ||
        (told[aliasOf[id] as number] === 1 && presence[inventory.leadsTo[id] as number] !== Outcome.present);
      if (lacks)
        findings.tell(null, judge.named(id, { listed: true }).path, `${accessPoint.url} is not known to hold it`);
    }
  }
}

/** By access point and class: 1 = somebody is sent there for its objects. */
function toldClasses({ judge, tables }: ObjectsInput): readonly Uint8Array[] {
  const isTold = judge.evidence.map(() => new Uint8Array(MOST_CLASSES));
  for (const { told } of tables) {
    told.forEach((classId, { near, far }) => {
      for (const claims of [near, far]) for (const claim of claims) (isTold[claim] as Uint8Array)[classId] = 1;
    });
  }
  return isTold;
}

type TabledViewer = { readonly viewer: MappedViewer; readonly table: Table };

/**
 * Every object as viewers ask, once over each scheme, in turn from everywhere: a directory without its slash. Answers how
 * many that somebody holds for everybody were sent to the fallback.
 */
export async function askObjects(input: ObjectsInput): Promise<number> {
  const all = input.tables.flatMap((table) => table.viewers.map((viewer) => ({ viewer, table })));
  const perScheme = (['https', 'http'] as const).map((scheme) => all.filter(({ viewer }) => viewer.scheme === scheme));
  let missed = 0;
  for (let id = 0; id < input.inventory.paths.length; id++) {
    for (const some of perScheme) {
      const isMissed = some.length > 0 && (await askOne(input, id, some[id % some.length] as TabledViewer));
      if (isMissed) missed++;
    }
  }
  return missed;
}

async function askOne(input: ObjectsInput, id: number, { viewer, table }: TabledViewer): Promise<boolean> {
  const { asker, judge, findings, found } = input;
  const named = judge.named(id, { listed: false });
  const answer = await asker.ask(viewer, named.asked, { list: false });
  const expected = table.told.of(found.classOf[id] as number, found.aliasOf[id] as number);
  const claims = judge.redirectClaim(answer, viewer, named, expected);
  const tell = (what: string) => findings.tell(viewer, named.path, what);
  if (isWrong(claims)) {
    tell(claims);
    return false;
  }
  const [claim] = claims;
  if (claim === undefined) {
    if (expected.length > 0) tell('is sent to the fallback, other objects of its class are not');
    return isHeldForAll(input, id, viewer.scheme);
  }
  const objection = judge.holds(claim, id) ? judge.objection(claim, viewer) : 'is not known to hold it';
  if (objection !== '') tell(`${judge.url(claim)} ${objection}`);
  else if (!expected.includes(claim)) tell(`${judge.url(claim)} is not what other objects of its class are answered`);
  return false;
}

/** By itself, or as what it leads to where the edge may answer with that. */
function isHeldForAll({ judge, found, inventory }: ObjectsInput, id: number, scheme: Scheme): boolean {
  const isAliased = found.aliasOf[id] !== 0;
  return judge.isHeldForAll(id, scheme) || (isAliased && judge.isHeldForAll(inventory.leadsTo[id] as number, scheme));
}
