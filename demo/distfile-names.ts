const SYLLABLES = [
  'ba',
  'cor',
  'del',
  'fi',
  'gno',
  'hex',
  'io',
  'ka',
  'lib',
  'mor',
  'net',
  'ox',
  'py',
  'qt',
  'ru',
  'syn',
];
const MORE_SYLLABLES = [
  'ter',
  'ux',
  'va',
  'wren',
  'xi',
  'yaml',
  'zen',
  'tok',
  'ser',
  'rand',
  'plug',
  'map',
  'log',
  'curl',
];
const ENDINGS = [
  '.tar.gz',
  '.tar.xz',
  '.tar.bz2',
  '.zip',
  '.crate',
  '.patch',
  '-vendor.tar.xz',
  '.orig.tar.gz',
  '.gem',
];
const GO_HOSTS = ['github.com', 'golang.org%2Fx', 'gopkg.in', 'k8s.io'];

/** A made-up distfile's name in the style of an ebuild repository: mostly tarballs, one in 25 a Go module. */
export function distfileName(random: () => number): string {
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  const upTo = (limit: number) => Math.floor(random() * limit);
  const name =
    pick(SYLLABLES) + pick(MORE_SYLLABLES) + (random() < 0.4 ? `-${pick(MORE_SYLLABLES)}${pick(SYLLABLES)}` : '');
  const version = `${upTo(9)}.${upTo(30)}.${upTo(20)}`;
  if (random() < 0.04) return `${pick(GO_HOSTS)}%2F${name}%2F@v%2Fv${version}.${pick(['zip', 'mod'])}`;
  return `${name}${random() < 0.05 ? '++' : ''}-${version}${random() < 0.1 ? `_rc${upTo(4)}` : ''}${pick(ENDINGS)}`;
}

/** A made-up size in bytes: half of them below 60 KB, one in a hundred above 100 MB. */
export function distfileSizeBytes(random: () => number): number {
  return Math.round(60_000 * Math.exp(3.3 * normal(random)));
}

/** Normally distributed around 0 (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
