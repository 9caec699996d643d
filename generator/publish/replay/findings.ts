import type { Viewer } from './event.ts';

const MOST_EXAMPLES = 10;

/** What is wrong with answers. */
export class Findings {
  #wrong = 0;
  readonly #examples: string[] = [];

  get wrong(): number {
    return this.#wrong;
  }

  /** The first of them, as sentences. */
  get examples(): readonly string[] {
    return this.#examples;
  }

  /** `viewer` is null where it is some viewer. */
  tell(viewer: Viewer | null, path: string, what: string): void {
    this.#wrong++;
    if (this.#examples.length < MOST_EXAMPLES) this.#examples.push(`/${path}${whoAsks(viewer)}: ${what}`);
  }
}

function whoAsks(viewer: Viewer | null): string {
  if (viewer === null) return '';
  const { country, subdivision, scheme, ip } = viewer;
  const place = `${country === '' ? 'an unknown country' : country}${subdivision === '' ? '' : `-${subdivision}`}`;
  return ` for ${ip} in ${place} over ${scheme}`;
}
