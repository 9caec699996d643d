/** How a mirror of the fleet behaves. */
export type Behaviour =
  | 'healthy'
  | 'slow'
  | 'stale'
  | 'cut short'
  | 'distfiles only'
  | 'soft 404'
  | 'closes after 100'
  | 'closes after 7'
  | 'hanging'
  | 'dead'
  | 'forbidden';

/** A few words for people each. */
export const BEHAVIOURS: Readonly<Record<Behaviour, string>> = {
  healthy: 'whole and quick',
  slow: 'whole, 40 ms an answer',
  stale: 'stale: newest tenth missing',
  'cut short': 'one file in seventeen cut short',
  'distfiles only': 'distfiles/ alone',
  'soft 404': '200 for whatever is missing',
  'closes after 100': 'whole, cuts after 100 answers',
  'closes after 7': 'whole, cuts after 7 answers',
  hanging: 'accepts, never answers',
  dead: 'nobody listens',
  forbidden: '403 to everything',
};

/** A mirror before it has a port. */
export interface PlannedMirror {
  readonly name: string;
  readonly behaviour: Behaviour;
  /** Served over rsync too, where rsync is installed. */
  readonly rsync?: true;
}

export interface PlannedCountry {
  readonly region: string;
  /** As Gentoo's list writes it: mostly ISO 3166-1 alpha-2, but `UK`. */
  readonly listedAs: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly countryName: string;
  readonly mirrors: readonly PlannedMirror[];
}

/** About a dozen mirrors in eight countries, one of each kind that real ones come in. */
export const FLEET: readonly PlannedCountry[] = [
  country('Europe', 'NL', 'Netherlands', { name: 'Tulip Archive', behaviour: 'healthy', rsync: true }),
  country(
    'Europe',
    'DE',
    'Germany',
    { name: 'Spree Mirror', behaviour: 'healthy' },
    { name: 'Universität am Rhein', behaviour: 'slow' },
  ),
  country('Europe', 'FR', 'France', { name: 'Miroir de la Loire', behaviour: 'stale', rsync: true }),
  { ...country('Europe', 'GB', 'UK', { name: 'Thames Mirror Service', behaviour: 'cut short' }), listedAs: 'UK' },
  country(
    'North America',
    'US',
    'United States (USA)',
    { name: 'Hudson Open Source Lab', behaviour: 'healthy' },
    { name: 'Cascade University', behaviour: 'closes after 100' },
    { name: 'Prairie Hosting', behaviour: 'soft 404' },
  ),
  country('South America', 'BR', 'Brazil', { name: 'Espelho do Paraná', behaviour: 'distfiles only' }),
  country(
    'Asia',
    'JP',
    'Japan',
    { name: 'Sumida Institute', behaviour: 'closes after 7' },
    { name: 'Kamo River Net', behaviour: 'hanging' },
  ),
  country(
    'Australia and Oceania',
    'AU',
    'Australia',
    { name: 'Coral Sea Mirrors', behaviour: 'dead' },
    { name: 'Wattle & Gum', behaviour: 'forbidden' },
  ),
];

function country(region: string, code: string, countryName: string, ...mirrors: PlannedMirror[]): PlannedCountry {
  return { region, listedAs: code, country: code, countryName, mirrors };
}

/** A name as a path segment: `Wattle & Gum` becomes `wattle-gum`. */
export function slugOf(name: string): string {
  const plain = name.normalize('NFD').toLowerCase();
  return plain.replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '-');
}
