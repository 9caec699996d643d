import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { toldOnce } from '../core/clock.ts';
import { countryOf } from '../core/countries.ts';
import { DEFAULT_REGION } from '../core/edge-keys.ts';
import { quoted, UsageError } from '../core/errors.ts';
import {
  decodeObjectTable,
  decodeRegionMap,
  type NumberedAccessPoint,
  type ObjectTable,
  type RegionMap,
  type SchemeMap,
} from '../core/formats/map-file.ts';
import { foldLiveness } from '../core/liveness.ts';
import { memberPath } from '../core/look-up.ts';
import { readFileOrNull } from '../core/node/atomic-file.ts';
import { readProbes } from '../core/node/liveness-files.ts';
import { lookUp } from '../core/node/look-up.ts';
import { readObservations } from '../core/node/observation-files.ts';
import { outputLayout } from '../core/output-layout.ts';
import { canonicalRequestPath } from '../core/path.ts';
import { shownPath } from '../core/path-bytes.ts';
import { loadBuiltFunction, parseKeys } from '../edge-shim/built-function.ts';

export interface Viewer {
  /** ISO 3166-1, or 3166-2 (`US-CA`), or ''. */
  readonly country: string;
  readonly scheme: string;
  readonly ip: string;
}

const OTHER_SCHEME = { https: 'http', http: 'https' } as const;

/** An access point in the light of one question. */
interface Considered {
  readonly accessPoint: string;
  readonly url: string;
  readonly holds: boolean;
  /** It lacks the object, a link, but has the file that this leads to, which the edge then names. */
  readonly holdsTarget: boolean;
  readonly tier: number | null;
  readonly distanceKm: number | null;
  /** '' for a candidate of this viewer; else why it is none. */
  readonly reason: string;
  /** What was found of a candidate since the maps were built, and takes it out at the next build; else ''. */
  readonly since: string;
}

export interface Explanation {
  readonly path: string;
  /** ISO 3166-1 or 3166-2, or '' where it is not known. */
  readonly region: string;
  readonly scheme: string;
  /** Whether the object table knows the path, and whether somebody holds it, or what it leads to. */
  readonly known: boolean;
  readonly held: boolean;
  readonly status: number;
  readonly location: string | null;
  /** What the edge says of its answer. */
  readonly reason: string;
  /** Access points of the other scheme that hold it, or what it leads to. */
  readonly heldOverOther: number;
  /** What the edge's `?mirrorlist` names, in its order: candidates, then those it leaves out; then everybody else. */
  readonly considered: readonly Considered[];
  readonly builtAt: string;
}

/** Asks the built function, and says from the maps why it answers so. Throws UsageError for a wrong viewer. */
export async function explain(
  output: string,
  path: string,
  viewer: Viewer,
  note: (line: string) => void,
  nowMs: number,
): Promise<Explanation> {
  const region = viewer.country.toUpperCase();
  requireViewer(viewer, region);
  const tableFile = outputLayout.objectTable(output);
  const tableBytes = readFileOrNull(tableFile);
  if (tableBytes === null) throw new UsageError(`${tableFile}: nothing built yet; run "redirector run" first`);
  const table = decodeObjectTable(tableBytes, tableFile);
  const map = regionMap(output, region)[viewer.scheme as 'https' | 'http'];
  const asked = path.startsWith('/') ? path : `/${path}`;
  const uri = asked.replace(/\?.*$/s, '');
  const keysFile = outputLayout.edgeKeys(output);
  const keys = parseKeys(readFileSync(keysFile, 'utf8'), keysFile);
  const ask = edgeOf(output, keys, uri, { ...viewer, country: region });
  const answer = await ask({});
  const listed = JSON.parse((await ask({ mirrorlist: { value: 'json' } })).body ?? '{}') as EdgeList;
  const canonical = canonicalRequestPath(uri);
  const objectId = canonical === null ? -1 : table.paths.indexOf(canonical.replace(/\/$/, ''));
  const holders = holdersOf(table, keys, canonical, objectId);
  const notUp = notUpReasons(output, table.paths.length, nowMs / 1000, toldOnce(note));
  return {
    path: canonical === null ? quoted(uri) : shownPath(canonical),
    region,
    scheme: viewer.scheme,
    known: objectId >= 0,
    held: holders.object.size + holders.target.size > 0,
    status: answer.statusCode,
    location: answer.headers['location']?.value ?? null,
    reason: answer.headers['x-redirector']?.value ?? '',
    heldOverOther: [...new Set([...holders.object, ...holders.target])].filter(
      (number) => table.accessPoints[number]?.protocol === OTHER_SCHEME[viewer.scheme as 'https' | 'http'],
    ).length,
    considered: considered({ table, map, holders, scheme: viewer.scheme, listed, notUp }),
    builtAt: new Date(table.builtAtMs).toISOString(),
  };
}

function requireViewer({ country, scheme, ip }: Viewer, region: string): void {
  if (region !== '' && (!/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(region) || countryOf(region.slice(0, 2)) === null)) {
    const allowed = 'allowed: ISO 3166-1 codes like DE, or ISO 3166-2 codes like US-CA';
    throw new UsageError(`--country ${JSON.stringify(country)}: not a country; ${allowed}`);
  }
  if (isIP(ip) === 0) throw new UsageError(`--ip ${JSON.stringify(ip)}: not an address; allowed: IPv4 or IPv6`);
  if (scheme !== 'https' && scheme !== 'http') {
    throw new UsageError(`--scheme ${JSON.stringify(scheme)}: allowed: https, http`);
  }
}

/** That of the part of a large country, else of the country: as the edge sees them. */
function regionMap(output: string, region: string): RegionMap {
  const file = outputLayout.map(output, region === '' ? DEFAULT_REGION : region);
  const bytes = readFileOrNull(file);
  if (bytes !== null) return decodeRegionMap(bytes, file);
  const country = outputLayout.map(output, region.slice(0, 2));
  return decodeRegionMap(readFileSync(country), country);
}

/** `?mirrorlist=json`, as far as it is used; access points by their numbers. */
interface EdgeList {
  readonly candidates?: readonly { readonly accessPoint?: number; readonly tier?: number }[];
  readonly excluded?: readonly { readonly accessPoint: number; readonly reason: string }[];
}

/** The built function over the built keys, asked by one viewer. */
function edgeOf(output: string, keys: ReadonlyMap<string, string>, uri: string, viewer: Viewer) {
  const codeFile = outputLayout.edgeFunction(output);
  const run = loadBuiltFunction(readFileSync(codeFile, 'utf8'), keys, codeFile);
  const [country = '', subdivision = ''] = viewer.country.split('-');
  return (querystring: Record<string, { value: string }>) =>
    run({
      version: '1.0',
      context: { eventType: 'viewer-request' },
      viewer: { ip: viewer.ip },
      request: {
        method: 'GET',
        uri,
        querystring,
        cookies: {},
        headers: {
          'cloudfront-viewer-country': { value: country },
          'cloudfront-viewer-country-region': { value: subdivision },
          'cloudfront-forwarded-proto': { value: viewer.scheme },
        },
      },
    });
}

/** By access point number: who holds an object, and who what its link leads to (where the keys know that way). */
interface Holders {
  readonly object: ReadonlySet<number>;
  readonly target: ReadonlySet<number>;
}

function holdersOf(
  table: ObjectTable,
  keys: ReadonlyMap<string, string>,
  path: string | null,
  objectId: number,
): Holders {
  const found = path === null ? null : lookUp(keys, table, path);
  const alias = found === null || found.aliasSlot === 0 ? null : memberPath(path as string, found.aliasSlot);
  const targetId = alias === null ? -1 : table.paths.indexOf(alias);
  const holdersIn = (id: number) => new Set(id < 0 ? [] : table.classes[table.classOf[id] as number]);
  return { object: holdersIn(objectId), target: holdersIn(targetId) };
}

/** Why an access point is not up, by the newer of its check and its probe; '' where it is up, or nothing is known. */
function notUpReasons(
  output: string,
  objects: number,
  nowS: number,
  note: (line: string) => void,
): (point: NumberedAccessPoint) => string {
  const probed = readProbes(output, nowS, note);
  return (point) => {
    const probe = probed(point)?.liveness ?? null;
    const check = readObservations(output, point, objects, nowS, note)?.liveness ?? null;
    const liveness = check === null ? probe : foldLiveness(check, probe);
    return liveness === null || liveness.state === 'up' ? '' : `${liveness.state}: ${liveness.reason}`;
  };
}

interface Question {
  readonly table: ObjectTable;
  readonly map: SchemeMap;
  readonly holders: Holders;
  readonly scheme: string;
  readonly listed: EdgeList;
  readonly notUp: (point: NumberedAccessPoint) => string;
}

function considered({ table, map, holders, scheme, listed, notUp }: Question): Considered[] {
  const isHolder = (number: number) => holders.object.has(number) || holders.target.has(number);
  const candidates = (listed.candidates ?? []).flatMap(({ accessPoint }) => accessPoint ?? []);
  const leftOut = new Map((listed.excluded ?? []).map(({ accessPoint, reason }) => [accessPoint, reason]));
  const elsewhere = new Map(map.excluded.map(({ number, reason }) => [number, reason]));
  const near = new Map(map.candidates.map((candidate) => [candidate.number, candidate]));
  const tiers = new Map((listed.candidates ?? []).map(({ accessPoint, tier }) => [accessPoint, tier]));
  const isListed = new Set([...candidates, ...leftOut.keys()]);
  const rest = table.accessPoints
    .map((_, number) => number)
    .filter((number) => table.accessPoints[number]?.protocol === scheme && !isListed.has(number))
    .sort((a, b) => order(a) - order(b));
  function order(number: number): number {
    return (isHolder(number) ? 0 : 1000) + (near.has(number) ? 0 : 500);
  }
  function reasonOf(number: number, state: string): string {
    if (leftOut.get(number) === 'down') return state || 'down';
    if (leftOut.has(number)) return leftOut.get(number) as string;
    if (!near.has(number)) return elsewhere.get(number) ?? 'no longer on the list';
    if (!isHolder(number)) return 'does not hold it';
    return state || 'serves other viewers of this region';
  }
  return [...isListed, ...rest].map((number) => {
    const point = table.accessPoints[number] as NumberedAccessPoint;
    const isCandidate = candidates.includes(number);
    const state = isListed.has(number) || near.has(number) ? notUp(point) : '';
    return {
      accessPoint: point.id,
      url: point.url,
      holds: holders.object.has(number),
      holdsTarget: !holders.object.has(number) && holders.target.has(number),
      tier: tiers.get(number) ?? near.get(number)?.tier ?? null,
      distanceKm: near.get(number)?.distanceKm ?? null,
      reason: isCandidate ? '' : reasonOf(number, state),
      since: isCandidate ? state : '',
    };
  });
}

/** The explanation for a person. */
export function explanationText(explanation: Explanation): string {
  const { path, region, scheme, known, held, status, location, reason, builtAt } = explanation;
  const part = region.length > 2 ? ` (${region})` : '';
  const from = region === '' ? 'an unknown place' : `${countryOf(region.slice(0, 2))?.name ?? region}${part}`;
  const lines = [
    `${path === '' ? '/' : path}: ${held ? 'known' : known ? 'known, and held by nobody' : 'not known'}; a viewer in ${from} over ${scheme}, by the map of ${builtAt}`,
    `→ ${status} ${location ?? ''} (${reason})`,
  ];
  if (held && !explanation.considered.some(({ reason: why }) => why === '') && explanation.heldOverOther > 0) {
    const other = OTHER_SCHEME[scheme as 'https' | 'http'];
    lines.push(`  over ${other} ${explanation.heldOverOther} hold it: --scheme ${other}`);
  }
  for (const { accessPoint, holds, holdsTarget, tier, distanceKm, reason: why, since } of explanation.considered) {
    const where = distanceKm === null || region === '' ? '' : `, ${distanceKm.toLocaleString('en')} km`;
    const place = why !== '' ? why : `tier ${tier}${where}${since === '' ? '' : `; since the build ${since}`}`;
    const mark = holds ? '✓ holds it  ' : holdsTarget ? '✓ its target' : '– does not  ';
    lines.push(`  ${mark} ${accessPoint} (${place})`);
  }
  return lines.join('\n');
}
