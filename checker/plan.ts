import type { Inventory } from '../core/inventory.ts';
import type { MirrorList } from '../core/mirror.ts';
import type { MethodName } from '../core/observations.ts';
import { checkable } from './mirror-check.ts';
import { chosenObjects } from './run.ts';

/** What a check would ask of one access point, at the most: a listing may spare it most requests. */
export interface Planned {
  readonly accessPointId: string;
  readonly method: MethodName;
  readonly objects: number;
}

/** What `runCheck` would do, without asking anybody. Throws UsageError as it does. */
export function planCheck(inventory: Inventory, mirrors: MirrorList, treePrefix: string): readonly Planned[] {
  const objects = chosenObjects(inventory, treePrefix).length;
  return mirrors.mirrors.flatMap((mirror) =>
    checkable(mirror).map(({ accessPoint, method }) => ({
      accessPointId: accessPoint.id,
      method: method.name,
      objects,
    })),
  );
}
