import type { JoinedMirror, ReadAccessPoint } from './join-entries.ts';

const MAX_CHARACTERS = 100;

/**
 * The id of each mirror: the host of its preferred URL; where several mirrors share that host, with the port and path;
 * where even those are alike, with a number by the order of their URLs. Safe as a file name, none twice, and the order
 * of `mirrors` changes none of them.
 */
export function mirrorIds(mirrors: readonly JoinedMirror[]): Map<JoinedMirror, string> {
  const sharing = new Map<string, JoinedMirror[]>();
  for (const mirror of mirrors.toSorted((a, b) => (preferred(a).url < preferred(b).url ? -1 : 1))) {
    const id = slug(preferred(mirror).host);
    const others = sharing.get(id);
    if (others === undefined) sharing.set(id, [mirror]);
    else others.push(mirror);
  }
  const ids = new Map<JoinedMirror, string>();
  const lastNumbers = new Map<string, number>();
  // Those who have a host for themselves come first, so that no path makes them give way.
  for (const [id, [mirror, ...others]] of sharing) {
    if (others.length > 0) continue;
    ids.set(mirror as JoinedMirror, id);
    lastNumbers.set(id, 1);
  }
  for (const group of sharing.values()) {
    if (group.length === 1) continue;
    for (const mirror of group) {
      const { host, port, path } = preferred(mirror);
      ids.set(mirror, unique(slug(`${host}-${port}-${path}`), lastNumbers));
    }
  }
  return ids;
}

function preferred(mirror: JoinedMirror): ReadAccessPoint {
  return mirror.points[0] as ReadAccessPoint;
}

function slug(text: string): string {
  const safe = text.toLowerCase().replace(/[^a-z0-9._]+/g, '-');
  return safe.slice(0, MAX_CHARACTERS).replace(/^[._-]+|[._-]+$/g, '') || 'mirror';
}

function unique(id: string, lastNumbers: Map<string, number>): string {
  let number = (lastNumbers.get(id) ?? 0) + 1;
  while (number > 1 && lastNumbers.has(`${id}-${number}`)) number++;
  lastNumbers.set(id, number);
  if (number === 1) return id;
  lastNumbers.set(`${id}-${number}`, 1);
  return `${id}-${number}`;
}
