import { type LoadedInventory, ObjectType, type ObjectTypeCode } from '../../core/inventory.ts';

/** One object for a test: a file by its size, a link by its target and what it leads to, or a directory. */
export type TestObject =
  | { readonly path: string; readonly sizeBytes: number }
  | { readonly path: string; readonly target: string; readonly leadsTo: string }
  | { readonly path: string };

/** An inventory of the given objects, ids in their order; all are in the tree. */
export function testInventory(objects: readonly TestObject[]): LoadedInventory {
  const count = objects.length;
  const idOf = new Map(objects.map((object, id) => [object.path, id]));
  const typeOf = (object: TestObject): ObjectTypeCode =>
    'sizeBytes' in object ? ObjectType.file : 'target' in object ? ObjectType.symlink : ObjectType.directory;
  const end = (object: TestObject, id: number) => ('leadsTo' in object ? (idOf.get(object.leadsTo) as number) : id);
  const leadsTo = Int32Array.from(objects, end);
  const sizes = objects.map((object) => ('sizeBytes' in object ? object.sizeBytes : -1));
  return {
    takenAtMs: 0,
    paths: objects.map((object) => object.path),
    types: Uint8Array.from(objects, typeOf),
    sizeBytes: Float64Array.from(leadsTo, (id) => sizes[id] as number),
    mtimeS: new Float64Array(count),
    targets: objects.map((object) => ('target' in object ? object.target : '')),
    leadsTo,
    firstSeenS: new Uint32Array(count),
    removedAtS: new Uint32Array(count),
  };
}

/** `distfiles/f0`, `distfiles/f1` and on: of 7 bytes each, or as `sizeOf` has it. */
export function testFiles(count: number, sizeOf: (i: number) => number = () => 7): LoadedInventory {
  return testInventory(Array.from({ length: count }, (_, i) => ({ path: `distfiles/f${i}`, sizeBytes: sizeOf(i) })));
}

/** Two directories, of which one holds a file that the servers of tests have, and one that they lack. */
export const TWO_DIRECTORIES = testInventory([
  { path: '' },
  { path: 'a' },
  { path: 'a/there', sizeBytes: 5 },
  { path: 'a/gone', sizeBytes: 5 },
  { path: 'b' },
  { path: 'b/other', sizeBytes: 7 },
]);
