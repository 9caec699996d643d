import { FormatError, messageOf, UsageError } from '../../core/errors.ts';
import { decodeObjectTable, decodeRegionMap, type ObjectTable, type RegionMap } from '../../core/formats/map-file.ts';
import type { Inventory } from '../../core/inventory.ts';
import { readFileOrNull } from '../../core/node/atomic-file.ts';
import { readLeader } from '../../core/node/leader-files.ts';
import { Outcome } from '../../core/observations.ts';
import { outputLayout } from '../../core/output-layout.ts';
import type { Progress } from '../../core/progress.ts';
import type { Evidence } from '../maps/evidence.ts';
import { allRegions } from '../maps/regions.ts';
import { readEvidence } from '../maps/run.ts';

/** What was built, and the evidence that it must agree with. */
export interface Built {
  readonly inventory: Inventory;
  /** Of the http and https access points, as of the moment when the maps were built. */
  readonly evidence: readonly Evidence[];
  /** Present cells by the age of their evidence in whole hours, now; the last has all that are older. */
  readonly agesInHours: Uint32Array;
  readonly table: ObjectTable;
  readonly maps: readonly RegionMap[];
  readonly keys: ReadonlyMap<string, string>;
  readonly functionCode: string;
}

const MOST_HOURS = 24 * 90;

/** Reads it from the output folder. Throws UsageError where something was not made yet, FormatError where it is torn. */
export function readBuilt(output: string, expiryMs: number, nowMs: number, progress: Progress): Built {
  const tableFile = outputLayout.objectTable(output);
  const table = decodeObjectTable(readMade(tableFile), tableFile);
  const maps = allRegions().map(({ code }) => {
    const file = outputLayout.map(output, code);
    return decodeRegionMap(readMade(file), file);
  });
  const keysFile = outputLayout.edgeKeys(output);
  const { inventory, mirrors } = readLeader(output);
  const agesInHours = new Uint32Array(MOST_HOURS + 1);
  const evidence = readEvidence(
    { output, expiryMs, nowMs: table.builtAtMs, readAtMs: nowMs, progress },
    inventory,
    mirrors,
    (presence, { evidenceAtS }) => {
      for (let id = 0; id < presence.length; id++) {
        if (presence[id] !== Outcome.present) continue;
        const hours = Math.floor((nowMs / 1000 - (evidenceAtS[id] as number)) / 3600);
        const at = Math.min(Math.max(hours, 0), MOST_HOURS);
        agesInHours[at] = (agesInHours[at] as number) + 1;
      }
    },
  );
  return {
    inventory,
    evidence,
    agesInHours,
    table,
    maps,
    keys: keysOf(readMade(keysFile).toString('utf8'), keysFile),
    functionCode: readMade(outputLayout.edgeFunction(output)).toString('utf8'),
  };
}

function readMade(file: string): Buffer {
  const bytes = readFileOrNull(file);
  if (bytes === null) throw new UsageError(`${file}: nothing built yet; run "redirector run" first`);
  return bytes;
}

/** The keys of a file in the KeyValueStore's import form. Throws FormatError. */
export function keysOf(text: string, file: string): Map<string, string> {
  try {
    const { data } = JSON.parse(text) as { data: { key: string; value: string }[] };
    return new Map(data.map(({ key, value }) => [key, value]));
  } catch (error) {
    throw new FormatError(`${file}: not a key file (${messageOf(error)}); run "redirector build"`);
  }
}
