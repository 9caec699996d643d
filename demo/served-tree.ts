import { ObjectType, type ObjectTypeCode } from '../core/inventory.ts';
import { pathFromLatin1 } from '../core/path-bytes.ts';
import { endOf } from './link-end.ts';
import type { PlantedTree } from './tree.ts';

/** What lies at a path, links followed. Names are strings with one character for each byte (`latin1`). */
export interface Served {
  /** Where it really lies; '' is the root. */
  readonly end: string;
  readonly isDirectory: boolean;
  /** -1 for directories. */
  readonly sizeBytes: number;
  readonly mtimeS: number;
  /** An HTTP date. */
  readonly lastModified: string;
}

interface Entry {
  readonly type: ObjectTypeCode;
  readonly target: string;
  readonly served: Served | null;
}

/** A planted tree in memory, as a web server sees it: every path leads to a file, a directory, or nothing. */
export class ServedTree {
  readonly folder: string;
  readonly #entries = new Map<string, Entry>();
  readonly #children = new Map<string, string[]>([['', []]]);
  readonly #byRequest = new Map<string, { path: string; served: Served }>();
  readonly #root: Served;

  constructor(tree: PlantedTree) {
    this.folder = tree.folder;
    for (const object of tree.objects) this.#add(object.path.toString('latin1'), object);
    this.#root = served('', true, -1, tree.objects[0]?.mtimeS ?? 0);
    for (const { path } of tree.objects) {
      const name = path.toString('latin1');
      const found = this.lookup(name) as Served;
      this.#byRequest.set(pathFromLatin1(name) + (found.isDirectory ? '/' : ''), { path: name, served: found });
    }
  }

  #add(path: string, object: PlantedTree['objects'][number]): void {
    const isDirectory = object.type === ObjectType.directory;
    this.#entries.set(path, {
      type: object.type,
      target: object.target.toString('latin1'),
      served: object.type === ObjectType.symlink ? null : served(path, isDirectory, object.sizeBytes, object.mtimeS),
    });
    if (isDirectory) this.#children.set(path, []);
    const slash = path.lastIndexOf('/');
    this.#children.get(path.slice(0, Math.max(0, slash)))?.push(path.slice(slash + 1));
  }

  /** Null where nothing lies at the path. */
  lookup(path: string): Served | null {
    const end = endOf(this.#entries, path);
    if (end === '') return this.#root;
    return end === null ? null : (this.#entries.get(end)?.served ?? null);
  }

  /** The quick way for the spelling that checkers use: a canonical path, a directory's with its slash. */
  byRequest(requestPath: string): { readonly path: string; readonly served: Served } | undefined {
    return this.#byRequest.get(requestPath);
  }

  /** The names in a directory, given by where it really lies. */
  namesIn(directory: string): readonly string[] {
    return this.#children.get(directory) ?? [];
  }

  /** Where all files really lie, with their times. */
  *files(): Generator<Served> {
    for (const { served } of this.#entries.values()) if (served !== null && !served.isDirectory) yield served;
  }
}

function served(end: string, isDirectory: boolean, sizeBytes: number, mtimeS: number): Served {
  return { end, isDirectory, sizeBytes, mtimeS, lastModified: new Date(mtimeS * 1000).toUTCString() };
}
