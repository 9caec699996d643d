import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { Evidence } from '../generator/maps/evidence.ts';
import type { ReleaseManifest } from '../generator/publish/contract.ts';
import { buildOutput } from './built-output.ts';
import { type Ran, runHere } from './front-door.ts';
import { FALLBACK, inventoryOf, mirrorsIn } from './small-build.ts';
import { wholeCurrent } from './suites/origin.ts';

export const NAMES = ['', 'distfiles/', ...Array.from({ length: 300 }, (_, i) => `distfiles/${i % 8}/a%2B${i}.tar.xz`)];

/** Ten access points over both schemes; `lost` of the objects are at none of them, `down` mirrors are down. */
export function fleet(count = NAMES.length, { lost = 0, down = [] as number[] } = {}): Evidence[] {
  return mirrorsIn(['DE', 'FR', 'US', 'JP', 'BR'], count, (n) => ({
    holds: (id) => id < count - lost && (id + n) % 5 !== 0,
    state: down.includes(n) ? 'down' : 'up',
  }));
}

/** A folder of its own, where what was built is published into the output itself. */
export class Publishing {
  readonly work = mkdtempSync(join(tmpdir(), 'redirector-publish-'));
  readonly output = join(this.work, 'output');
  readonly origin = join(this.output, 'published');

  /** Writes the configuration; `more` is TOML. */
  configure(more = ''): void {
    const lines = [`fallback = "${FALLBACK}"`, '[[inventory]]', 'from = "tree"', more];
    writeFileSync(join(this.work, 'redirector.toml'), lines.join('\n'));
  }

  /** As if the leader had found these names and the checks that evidence, so many ms from now. */
  build({ names = NAMES, evidence = fleet(), inMs = 0, output = this.output } = {}): Promise<void> {
    return buildOutput(output, inventoryOf(names), evidence, Date.now() + inMs);
  }

  /** The arguments of a command, in this process or another one. */
  argv(args: readonly string[], output = this.output): string[] {
    return [...args, '--config', join(this.work, 'redirector.toml'), '--output', output];
  }

  run(...args: string[]): Promise<Ran> {
    return runHere(...this.argv(args));
  }

  /** What the command says as JSON. Fails where it fails. */
  async done(...args: string[]) {
    const { code, stdout, stderr } = await this.run(...args, '--json', '--quiet');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  }

  /** The release that is current. */
  current(): string {
    return readlinkSync(join(this.origin, 'current')).replace('releases/', '');
  }

  /** The manifest of the current release, every file of which is as it says. */
  wholeManifest(): ReleaseManifest {
    expect(wholeCurrent(this.origin)).toBe(this.current());
    return JSON.parse(readFileSync(join(this.origin, 'current/release.json'), 'utf8'));
  }

  remove(): void {
    rmSync(this.work, { recursive: true, force: true });
  }
}

/** Hands out a configured and built folder before each test of the file, and removes it after. */
export function builtForEachTest(begin: (built: Publishing) => void): void {
  let built: Publishing;
  beforeEach(async () => {
    built = new Publishing();
    built.configure();
    await built.build();
    begin(built);
  });
  afterEach(() => built.remove());
}
