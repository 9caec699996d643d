import { BoundedNotes } from '../../core/bounded-notes.ts';
import { type Country, countryOf } from '../../core/countries.ts';
import { quoted, UsageError } from '../../core/errors.ts';
import type { AccessPoint, Mirror, MirrorList, Place, Protocol } from '../../core/mirror.ts';
import { parseAccessPointUrl } from './access-point-url.ts';
import { type JoinedMirror, joinEntries, type ReadAccessPoint, type ReadEntry } from './join-entries.ts';
import { mirrorIds } from './mirror-ids.ts';
import { type MirrorOverride, type Overrides, requireKnown } from './overrides.ts';
import { type ListedMirror, type ListedUri, readMirrorXml } from './read-xml.ts';

const MAX_NAME_CHARACTERS = 120;
/** Codes in common use that ISO 3166-1 only reserves. */
const COUNTRY_ALIASES: Readonly<Record<string, string>> = { UK: 'GB', EL: 'GR' };

/**
 * The mirror list of Gentoo's XML with the overrides put upon it, sorted by id. What is mended or left out is told in
 * `notes`. Throws UsageError where `xml` is no such list or holds no mirror that can be used, and where an override is
 * for no mirror or gives an id twice. `list` names the list in messages.
 */
export function parseMirrorList(
  xml: string,
  overrides: Overrides | null,
  { list, nowMs }: { readonly list: string; readonly nowMs: number },
): MirrorList {
  const notes = new BoundedNotes();
  const entries = readMirrorXml(xml, list).flatMap((listed) => readEntry(listed, notes) ?? []);
  const ids = mirrorIds(joinEntries(entries));
  if (overrides !== null) requireKnown(overrides, [...ids.values()].sort());
  const mirrors: Mirror[] = [];
  for (const [mirror, id] of ids) {
    const override = overrides?.mirrors.get(id) ?? {};
    if (override.excluded === undefined) mirrors.push(finished(mirror, override.id ?? id, override));
    else notes.add('mirrors are excluded', `${id} is excluded: ${quoted(override.excluded)}`);
  }
  if (mirrors.length === 0)
    throw new UsageError([`${list}: holds no mirror that can be used`, ...notes.lines()].join('\n'));
  mirrors.sort((a, b) => (a.id < b.id ? -1 : 1));
  requireDistinct(mirrors, overrides);
  return { version: 1, takenAtMs: nowMs, mirrors, notes: notes.lines() };
}

function readEntry(listed: ListedMirror, notes: BoundedNotes): ReadEntry | null {
  const name = tidied(listed.name);
  const shown = quoted(name);
  const written = listed.country.toUpperCase();
  const country = COUNTRY_ALIASES[written] ?? written;
  if (countryOf(country) === null) {
    notes.add('mirrors of unknown countries', `${shown}: country ${quoted(listed.country)} is not known: left out`);
    return null;
  }
  if (country !== written) {
    notes.add('countries are mended', `${shown}: country ${quoted(written)} is no ISO 3166-1 code: read as ${country}`);
  }
  const points = listed.uris.flatMap((uri) => readUri(uri, shown, notes) ?? []);
  if (points.length === 0) {
    notes.add('mirrors have no URL that can be used', `${shown} in ${country} has no URL that can be used: left out`);
    return null;
  }
  return { name: name || (points[0] as ReadAccessPoint).host, country, points };
}

function readUri(uri: ListedUri, shownName: string, notes: BoundedNotes): ReadAccessPoint | null {
  const read = parseAccessPointUrl(uri.text);
  if (typeof read === 'string') {
    notes.add('URLs are left out', `${shownName}: ${quoted(uri.text)} ${read}: left out`);
    return null;
  }
  if (uri.protocol !== '' && uri.protocol.toLowerCase() !== read.protocol) {
    const kind = 'URLs are listed under another protocol';
    notes.add(kind, `${shownName}: ${read.url} is listed as ${quoted(uri.protocol, 20)}: read as ${read.protocol}`);
  }
  const { ipv4, ipv6, partial } = uri;
  return { ...read, ipv4, ipv6, partial };
}

/** One line of harmless characters. */
function tidied(name: string): string {
  const line = name.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return [...line.slice(0, 2 * MAX_NAME_CHARACTERS)].slice(0, MAX_NAME_CHARACTERS).join('');
}

function finished(mirror: JoinedMirror, id: string, override: MirrorOverride): Mirror {
  return {
    id,
    name: mirror.name,
    places: override.places?.map(placeOf) ?? mirror.countries.map((country) => placeOf({ country })),
    weight: override.weight ?? 1,
    drained: override.drained ?? false,
    ...(override.only === undefined ? {} : { only: override.only }),
    ...(override.never === undefined ? {} : { never: override.never }),
    ...(override.networks === undefined ? {} : { networks: override.networks }),
    accessPoints: [...accessPoints(mirror, id), ...sftpAccessPoint(override, id)],
  };
}

function accessPoints(mirror: JoinedMirror, mirrorId: string): AccessPoint[] {
  const counts: Partial<Record<Protocol, number>> = {};
  return mirror.points.map(({ protocol, url, ipv4, ipv6, partial }) => {
    const number = (counts[protocol] ?? 0) + 1;
    counts[protocol] = number;
    const id = `${mirrorId}.${protocol}${number === 1 ? '' : `-${number}`}`;
    return { id, mirrorId, protocol, url, ipv4, ipv6, partial };
  });
}

/** The list itself has none: who reads over SFTP has a login. */
function sftpAccessPoint({ sftp, host_key: hostKeySha256 }: MirrorOverride, mirrorId: string): AccessPoint[] {
  if (sftp === undefined || hostKeySha256 === undefined) return [];
  const { protocol, url, user } = sftp;
  // Over which families nobody has told.
  const families = { ipv4: false, ipv6: false, partial: false };
  return [{ id: `${mirrorId}.${protocol}`, mirrorId, protocol, url, ...families, login: { user, hostKeySha256 } }];
}

function placeOf(place: NonNullable<MirrorOverride['places']>[number]): Place {
  const middle = countryOf(place.country) as Country;
  return {
    country: place.country,
    latitude: place.latitude ?? middle.latitude,
    longitude: place.longitude ?? middle.longitude,
  };
}

function requireDistinct(sorted: readonly Mirror[], overrides: Overrides | null): void {
  const twice = sorted.find(({ id }, i) => id === sorted[i + 1]?.id);
  if (twice === undefined) return;
  throw new UsageError(`${overrides?.file}: two mirrors would have the id "${twice.id}"; give one of them another`);
}
