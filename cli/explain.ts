import { readFileSync } from 'node:fs';
import { countryOf } from '../core/countries.ts';
import { DEFAULT_REGION } from '../core/edge-keys.ts';
import { UsageError } from '../core/errors.ts';
import { decodeObjectTable, decodeRegionMap, type ObjectTable, type SchemeMap } from '../core/formats/map-file.ts';
import { readFileOrNull } from '../core/node/atomic-file.ts';
import { outputLayout } from '../core/output-layout.ts';
import { canonicalRequestPath } from '../core/path.ts';
import { shownPath } from '../core/path-bytes.ts';
import { loadBuiltFunction, parseKeys } from '../edge-shim/built-function.ts';

export interface Viewer {
  readonly country: string;
  readonly scheme: string;
  readonly ip: string;
}

/** An access point in the light of one question. */
interface Considered {
  readonly accessPoint: string;
  readonly url: string;
  readonly holds: boolean;
  readonly tier: number | null;
  readonly distanceKm: number | null;
  /** '' for a candidate; else why it is none. */
  readonly reason: string;
}

export interface Explanation {
  readonly path: string;
  readonly country: string;
  readonly scheme: string;
  /** Whether the object table knows the path. */
  readonly known: boolean;
  readonly status: number;
  readonly location: string | null;
  /** What the edge says of its answer. */
  readonly reason: string;
  /** The region's candidates, best first, then the holders that are none, then the rest. */
  readonly considered: readonly Considered[];
  readonly builtAt: string;
}

/** Asks the built function, and says from the maps why it answers so. Throws UsageError for a wrong viewer. */
export async function explain(output: string, path: string, viewer: Viewer): Promise<Explanation> {
  const country = viewer.country.toUpperCase();
  if (country !== '' && countryOf(country) === null) {
    throw new UsageError(`--country ${JSON.stringify(viewer.country)}: not an ISO 3166-1 code; allowed: DE, US, …`);
  }
  if (viewer.scheme !== 'https' && viewer.scheme !== 'http') {
    throw new UsageError(`--scheme ${JSON.stringify(viewer.scheme)}: allowed: https, http`);
  }
  const tableFile = outputLayout.objectTable(output);
  const tableBytes = readFileOrNull(tableFile);
  if (tableBytes === null) throw new UsageError(`${tableFile}: nothing built yet; run "redirector run" first`);
  const table = decodeObjectTable(tableBytes, tableFile);
  const mapFile = outputLayout.map(output, country === '' ? DEFAULT_REGION : country);
  const map = decodeRegionMap(readFileSync(mapFile), mapFile)[viewer.scheme];
  const uri = path.startsWith('/') ? path : `/${path}`;
  const answer = await ask(output, uri, { ...viewer, country });
  const canonical = canonicalRequestPath(uri);
  const objectId = canonical === null ? -1 : table.paths.indexOf(canonical.replace(/\/$/, ''));
  return {
    path: canonical === null ? uri : shownPath(canonical),
    country,
    scheme: viewer.scheme,
    known: objectId >= 0,
    status: answer.statusCode,
    location: answer.headers['location']?.value ?? null,
    reason: answer.headers['x-redirector']?.value ?? '',
    considered: considered(table, map, objectId, viewer.scheme),
    builtAt: new Date(table.builtAtMs).toISOString(),
  };
}

async function ask(output: string, uri: string, viewer: Viewer) {
  const codeFile = outputLayout.edgeFunction(output);
  const keysFile = outputLayout.edgeKeys(output);
  const run = loadBuiltFunction(
    readFileSync(codeFile, 'utf8'),
    parseKeys(readFileSync(keysFile, 'utf8'), keysFile),
    codeFile,
  );
  const cut = uri.indexOf('?');
  return run({
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: viewer.ip },
    request: {
      method: 'GET',
      uri: cut < 0 ? uri : uri.slice(0, cut),
      querystring: {},
      cookies: {},
      headers: {
        'cloudfront-viewer-country': { value: viewer.country },
        'cloudfront-forwarded-proto': { value: viewer.scheme },
      },
    },
  });
}

function considered(table: ObjectTable, map: SchemeMap, objectId: number, scheme: string): Considered[] {
  const holders = new Set(objectId < 0 ? [] : table.classes[table.classOf[objectId] as number]);
  const excluded = new Map(map.excluded.map(({ number, reason }) => [number, reason]));
  const rows = table.accessPoints.flatMap((point, number) => {
    if (point.protocol !== scheme) return [];
    const place = map.candidates.findIndex((candidate) => candidate.number === number);
    const candidate = map.candidates[place];
    const row: Considered = {
      accessPoint: point.id,
      url: point.url,
      holds: holders.has(number),
      tier: candidate?.tier ?? null,
      distanceKm: candidate?.distanceKm ?? null,
      reason: candidate === undefined ? (excluded.get(number) ?? 'no longer on the list') : '',
    };
    const order = (place < 0 ? 1000 : place) + (row.holds ? 0 : place < 0 ? 500 : 0);
    return [{ row, order }];
  });
  return rows.sort((a, b) => a.order - b.order).map(({ row }) => row);
}

/** The explanation for a person. */
export function explanationText(explanation: Explanation): string {
  const { path, country, scheme, known, status, location, reason, builtAt } = explanation;
  const from = country === '' ? 'an unknown place' : (countryOf(country)?.name ?? country);
  const lines = [
    `${path}: ${known ? 'known' : 'not known'}; a viewer in ${from} over ${scheme}, by the map of ${builtAt}`,
    `→ ${status} ${location ?? ''} (${reason})`,
  ];
  for (const one of explanation.considered) {
    const place = one.tier === null ? one.reason : `tier ${one.tier}, ${one.distanceKm?.toLocaleString('en')} km`;
    lines.push(`  ${one.holds ? '✓ holds it  ' : '– does not  '} ${one.accessPoint} (${place})`);
  }
  return lines.join('\n');
}
