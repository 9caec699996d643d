import { createHash } from 'node:crypto';
import { distfileName, distfileSizeBytes } from './distfile-names.ts';
import { ODD_NAMES } from './odd-names.ts';
import { seededRandom } from './random.ts';

/** Names are strings with one character for each byte (`latin1`), paths relative to the root of the tree. */
export interface PlannedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeS: number;
  /** Where it is not all zeros. */
  readonly content?: string;
}

export interface PlannedLink {
  readonly path: string;
  readonly target: string;
  readonly mtimeS: number;
}

export interface PlanOptions {
  /** About how many objects; never fewer than the parts that every tree has (some 650). */
  readonly objects: number;
  readonly seed: number;
  /** The newest time in the tree, in seconds since 1970. */
  readonly nowS: number;
}

const DAY_S = 86_400;
const STAGE3_FLAVOURS = ['openrc', 'systemd', 'musl', 'hardened-openrc', 'desktop-systemd'];
const STAGE3_PARTS = ['', '.asc', '.CONTENTS.gz', '.DIGESTS', '.sha256'];

/** What a distribution's tree consists of, drawn by a seed: the same options give the same plan. */
export class TreePlan {
  readonly files: PlannedFile[] = [];
  readonly links: PlannedLink[] = [];
  readonly directories = new Set<string>();
  readonly #random: () => number;
  readonly #nowS: number;

  constructor(options: PlanOptions) {
    this.#random = seededRandom(options.seed);
    this.#nowS = options.nowS;
    this.#releases();
    this.#snapshots();
    this.#experimental();
    this.#strays();
    this.#text('distfiles/layout.conf', '[structure]\n0=filename-hash BLAKE2B 8\n');
    this.#text('distfiles/timestamp.mirmon', `${options.nowS}\n`);
    for (const name of ODD_NAMES) this.#distfile(name);
    const used = new Set(ODD_NAMES);
    while (this.files.length + this.links.length + this.directories.size < options.objects) {
      const name = distfileName(this.#random);
      if (!used.has(name)) this.#distfile(name);
      used.add(name);
    }
  }

  #ageS(days: number): number {
    return this.#nowS - Math.floor(this.#random() * days * DAY_S) - 60;
  }

  #file(path: string, sizeBytes: number, mtimeS: number): void {
    this.#directoriesOf(path);
    this.files.push({ path, sizeBytes, mtimeS });
  }

  #text(path: string, content: string): void {
    this.#directoriesOf(path);
    this.files.push({ path, sizeBytes: content.length, mtimeS: this.#nowS, content });
  }

  #link(path: string, target: string, mtimeS = this.#nowS): void {
    this.#directoriesOf(path);
    this.links.push({ path, target, mtimeS });
  }

  #directoriesOf(path: string): void {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      this.directories.add(path.slice(0, at));
    }
  }

  /** GLEP 75, `filename-hash BLAKE2B 8`, with the flat name as a link beside. */
  #distfile(name: string): void {
    const hash = createHash('blake2b512').update(name, 'latin1').digest('hex').slice(0, 2);
    const mtimeS = this.#ageS(700);
    this.#file(`distfiles/${hash}/${name}`, distfileSizeBytes(this.#random), mtimeS);
    this.#link(`distfiles/${name}`, `${hash}/${name}`, mtimeS);
  }

  #releases(): void {
    const autobuilds = 'releases/amd64/autobuilds';
    const built = [0, 7, 14].map((days) => this.#nowS - days * DAY_S - 6 * 3600);
    for (const builtS of built) {
      const stamp = new Date(builtS * 1000).toISOString().replace(/[-:]|\.\d+/g, '');
      const images = STAGE3_FLAVOURS.map((flavour) => `stage3-amd64-${flavour}-${stamp}.tar.xz`);
      for (const image of [...images, `install-amd64-minimal-${stamp}.iso`]) {
        for (const part of STAGE3_PARTS) {
          const sizeBytes = Math.floor(part === '' ? 2e8 + this.#random() * 1e8 : 500 + this.#random() * 2000);
          this.#file(`${autobuilds}/${stamp}/${image}${part}`, sizeBytes, builtS);
        }
      }
      if (builtS !== built[0]) continue;
      for (const [i, flavour] of STAGE3_FLAVOURS.entries()) {
        this.#text(`${autobuilds}/latest-stage3-amd64-${flavour}.txt`, `# newest\n${stamp}/${images[i]}\n`);
      }
      this.#link(`${autobuilds}/current-stage3-amd64-openrc`, stamp, builtS);
      this.#link(`${autobuilds}/current-install-amd64-minimal`, `./${stamp}/`, builtS);
      this.#link('experimental/amd64/stage3.tar.xz', `current/${images[0]}`, builtS);
    }
    this.#link('experimental/amd64/current', `../../${autobuilds}/current-stage3-amd64-openrc`);
    for (const part of ['', '.DIGESTS'])
      this.#file(`releases/x86/2008.0/livecd-i686-r1.iso${part}`, 7e8, this.#ageS(6000));
  }

  #snapshots(): void {
    for (let days = 0; days < 14; days++) {
      const madeS = this.#nowS - days * DAY_S - 3600;
      const date = new Date(madeS * 1000).toISOString().slice(0, 10).replaceAll('-', '');
      const sizeBytes = 45_000_000 + Math.floor(this.#random() * 1e6);
      this.#file(`snapshots/gentoo-${date}.tar.xz`, sizeBytes, madeS);
      this.#file(`snapshots/gentoo-${date}.tar.xz.md5sum`, 58, madeS);
      this.#file(`snapshots/gentoo-${date}.tar.xz.gpgsig`, 488, madeS);
      this.#file(`snapshots/squashfs/gentoo-${date}.xz.sqfs`, sizeBytes - 1e6, madeS);
    }
    for (const part of ['', '.md5sum', '.gpgsig']) {
      this.#file(`snapshots/gentoo-latest.tar.xz${part}`, part === '' ? 45_500_000 : 500, this.#nowS);
      this.#link(`snapshots/portage-latest.tar.xz${part}`, `gentoo-latest.tar.xz${part}`);
    }
  }

  #experimental(): void {
    this.directories.add('experimental/empty');
    for (const folder of ['odd & names', '100%', ' ', '-x', 'new\nline', 'arrow -> there', 'caf\xe9', '<b>']) {
      this.#file(`experimental/odd/${folder}/a?b#c.tar.xz`, 1000 + folder.length, this.#ageS(900));
      this.#link(`experimental/odd/link to ${folder}`, folder);
    }
    this.#file('experimental/chain/end.tar.xz', 4321, this.#ageS(900));
    this.#link('experimental/chain/third', './/end.tar.xz');
    this.#link('experimental/chain/second', '../chain/third');
    this.#link('experimental/chain/first', 'second');
    this.#link('experimental/chain/a -> b', 'end.tar.xz');
    this.#link('experimental/here', '.');
  }

  /** What a leader leaves out: links that lead nowhere a viewer could go, and a file that is just being made. */
  #strays(): void {
    const strays = 'experimental/strays';
    this.#file(`${strays}/real.tar.xz`, 77, this.#ageS(900));
    this.#link(`${strays}/absolute`, '/etc/hostname');
    this.#link(`${strays}/above`, '../../../outside');
    this.#link(`${strays}/above-and-back`, '../../../../../../../../../../../etc/hostname');
    this.#link(`${strays}/circle-a`, 'circle-b');
    this.#link(`${strays}/circle-b`, 'circle-a');
    this.#link(`${strays}/itself`, 'itself');
    this.#link(`${strays}/dangling`, 'no-such-file');
    this.#link(`${strays}/dangling-far`, 'dangling');
    this.#link(`${strays}/through-a-file`, 'real.tar.xz/x');
    this.#file('distfiles/00/.half-1.0.tar.gz._mirrordist_hardlink_.4711', 100, this.#nowS);
  }
}
