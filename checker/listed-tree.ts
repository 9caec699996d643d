import { directoriesInTurn, directoryOf } from '../core/directory.ts';
import { type Inventory, isDirectoryLike, ObjectType, type ObjectTypeCode } from '../core/inventory.ts';
import { Outcome, type OutcomeCode } from '../core/observations.ts';

/** One entry of any listing. */
export interface ListedEntry {
  readonly type: ObjectTypeCode;
  /** Canonical, relative to the access point's root. */
  readonly path: string;
  /** Of a file, exact. */
  readonly sizeBytes: number;
  /** A link's target, percent-encoded like a path; '' for other types. */
  readonly target: string;
}

/** How an inventory's path is listed. */
const Listed = { no: 0, sameFile: 1, otherFile: 2, sameLink: 3, otherLink: 4, directory: 5 } as const;

/** What a listing shows of the inventory's objects. */
export class ListedTree {
  /**
   * Whether the directory of an object was listed to its end without error: only then does a missing name prove that
   * it is absent. Asked by object id, after the listing.
   */
  isWhole: (id: number) => boolean = () => false;
  /** All entries, those the inventory does not know too. */
  entries = 0;
  /** Entries of objects that had been listed before: what was concluded from those counts no more. */
  repeated = 0;
  readonly #inventory: Inventory;
  readonly #objectIdOf: (path: string) => number | undefined;
  readonly #listed: Uint8Array;
  /** Of files whose size is not the inventory's; most mirrors have none. */
  #otherSizeBytes: Float64Array | null = null;
  #expected = 0;
  readonly #directoryOf = directoriesInTurn();
  #lastDirectory = '';
  #lastLink: number | undefined;

  constructor(inventory: Inventory, objectIdOf: (path: string) => number | undefined) {
    this.#inventory = inventory;
    this.#objectIdOf = objectIdOf;
    this.#listed = new Uint8Array(inventory.paths.length);
  }

  add(entry: ListedEntry): void {
    this.entries++;
    const { paths, targets } = this.#inventory;
    // A mirror lists in the order of its master, so the next object is mostly the one after the last.
    const id = paths.at(this.#expected) === entry.path ? this.#expected : this.#objectIdOf(entry.path);
    if (id === undefined) return;
    this.#expected = id + 1;
    if (this.#listed[id] !== Listed.no) this.repeated++;
    if (entry.type !== ObjectType.symlink) this.see(id, entry.type === ObjectType.directory, entry.sizeBytes);
    else {
      const isSame = plainTarget(entry.target) === plainTarget(targets.at(id) as string);
      this.#listed[id] = isSame ? Listed.sameLink : Listed.otherLink;
    }
  }

  /** The object is listed as a directory, or as a file of that size. */
  see(id: number, isDirectory: boolean, sizeBytes: number): void {
    if (isDirectory) {
      this.#listed[id] = Listed.directory;
      return;
    }
    const isSame = sizeBytes === this.#inventory.sizeBytes[id];
    this.#listed[id] = isSame ? Listed.sameFile : Listed.otherFile;
    if (isSame) return;
    this.#otherSizeBytes ??= new Float64Array(this.#listed.length);
    this.#otherSizeBytes[id] = sizeBytes;
  }

  isListed(id: number): boolean {
    return this.#listed[id] !== Listed.no;
  }

  /** What the listing proves of an object; `none` = nothing. */
  outcome(id: number): OutcomeCode {
    const listed = this.#listed[id];
    if (listed === Listed.no) {
      const link = this.#linkAbove(id);
      if (link !== undefined) return this.#throughLink(id, link);
      return this.isWhole(id) ? Outcome.absent : Outcome.none;
    }
    const { types, leadsTo } = this.#inventory;
    if (types[id] === ObjectType.directory) {
      return listed === Listed.directory ? Outcome.present : Outcome.different;
    }
    // Servers that follow links list them as what they lead to.
    if (listed === Listed.directory && isDirectoryLike(this.#inventory, id)) return Outcome.present;
    if (listed === Listed.sameFile && !isDirectoryLike(this.#inventory, id)) return Outcome.present;
    if (types[id] === ObjectType.symlink && listed === Listed.sameLink) {
      const end = leadsTo[id] as number;
      // Whoever asks for a link gets what it leads to, and nothing where that is missing.
      return end === id ? Outcome.different : this.outcome(end);
    }
    return Outcome.different;
  }

  /** The size that belongs to an outcome: of a link that of what it leads to. */
  sizeBytes(id: number, outcome: OutcomeCode): number {
    if (outcome === Outcome.present) return this.#inventory.sizeBytes[id] as number;
    if (outcome !== Outcome.different) return -1;
    const listed = this.#listed[id];
    if (listed === Listed.sameFile) return this.#inventory.sizeBytes[id] as number;
    return listed === Listed.otherFile ? (this.#otherSizeBytes?.[id] as number) : -1;
  }

  /** The link to a directory through which an object's path goes, if one does: a listing shows nothing beneath it. */
  #linkAbove(id: number): number | undefined {
    const directory = this.#directoryOf(this.#inventory.paths.at(id) as string);
    if (directory !== this.#lastDirectory) {
      this.#lastDirectory = directory;
      this.#lastLink = this.#nearestLink(directory);
    }
    return this.#lastLink;
  }

  /** The directory, or the nearest one above it that the inventory has, if that is a link. */
  #nearestLink(directory: string): number | undefined {
    for (let at = directory; at !== ''; at = directoryOf(at)) {
      const id = this.#objectIdOf(at);
      if (id !== undefined) return this.#inventory.types[id] === ObjectType.symlink ? id : undefined;
    }
    return undefined;
  }

  #throughLink(id: number, link: number): OutcomeCode {
    const end = this.#inventory.leadsTo[id] as number;
    const ofLink = this.outcome(link);
    const ofEnd = end === id ? Outcome.different : this.outcome(end);
    if (ofLink === Outcome.present && ofEnd === Outcome.present) return Outcome.present;
    if (ofLink === Outcome.absent || ofEnd === Outcome.absent) return Outcome.absent;
    return ofLink === Outcome.none || ofEnd === Outcome.none ? Outcome.none : Outcome.different;
  }
}

function plainTarget(target: string): string {
  return target.startsWith('./') ? target.slice(2) : target;
}
