import { type Inventory, isDirectoryLike, ObjectType } from '../../core/inventory.ts';
import { Outcome, type OutcomeCode } from '../../core/observations.ts';
import { COMPRESSED, statusReason } from '../net/reasons.ts';
import { isPerhapsPassing } from './ask-again.ts';
import type { Shown } from './confirmation.ts';
import type { CheckTask } from './contract.ts';

const NO_LENGTH = 'tells no length (Content-Length)';
const NO_SIZE = `${COMPRESSED} (Content-Encoding), so that no size is told`;
const KEPT_COMPRESSED = /\.(t?gz|svgz|t?bz2?|t?xz|t?lzma|lz|tzst|zst|br|z)$/i;
/** Apache's Options FollowSymLinks: a link whose end is not there may not be followed. */
const DANGLING = 'answers 403 (forbidden) to a link whose end is not there, as Apache does';

/** What is found is added to these. */
export interface Findings extends Pick<Shown, 'samples' | 'directories'> {
  /** By id: 1 = found absent. */
  readonly absent: Uint8Array;
}

/** What answers to HEAD prove, told to the task's sink. Indexes are into the task's objects. */
export class PortionAnswers {
  /** Objects of which something was found. */
  found = 0;
  readonly #task: CheckTask;
  readonly #findings: Findings;
  #doubtful: number[] = [];
  /** By index; of what is doubtful alone. */
  #statuses: Uint16Array | null = null;

  constructor(task: CheckTask, findings: Findings) {
    this.#task = task;
    this.#findings = findings;
  }

  add(index: number, status: number, lengthBytes: number, location: string, isEncoded: boolean): void {
    const { inventory, objectIds, sink } = this.#task;
    const id = objectIds[index] as number;
    const isDirectory = isDirectoryLike(inventory, id);
    if (status === 200 && !isDirectory && isEncoded && !isLabelled(lengthBytes, inventory, id)) sink.fail(id, NO_SIZE);
    else if (status === 200 && !isDirectory && lengthBytes < 0) sink.fail(id, NO_LENGTH);
    else if (status === 200) {
      const isRight = isDirectory || lengthBytes === inventory.sizeBytes[id];
      this.#record(index, isRight ? Outcome.present : Outcome.different, status, lengthBytes);
    } else if (status === 404 || status === 410) this.#record(index, Outcome.absent, status, lengthBytes);
    else if (isPerhapsPassing(status)) this.#doubt(index, status);
    else sink.fail(id, statusReason(status, location));
  }

  fail(index: number, reason: string): void {
    const { objectIds, sink } = this.#task;
    sink.fail(objectIds[index] as number, reason);
  }

  /** Those whose answer may be another if they are asked for again, since the last call: the sink is not told of them. */
  takeDoubtful(): readonly number[] {
    const doubtful = this.#doubtful;
    this.#doubtful = [];
    return doubtful;
  }

  /** Tells the sink of doubtful ones, to which the answer stays as it was. */
  failDoubtful(indexes: readonly number[]): void {
    const { inventory, objectIds } = this.#task;
    for (const index of indexes) {
      const id = objectIds[index] as number;
      const status = this.#statuses?.[index] as number;
      const isDangling =
        status === 403 &&
        inventory.types[id] === ObjectType.symlink &&
        this.#findings.absent[inventory.leadsTo[id] as number] === 1;
      this.fail(index, isDangling ? DANGLING : statusReason(status, ''));
    }
  }

  #doubt(index: number, status: number): void {
    this.#statuses ??= new Uint16Array(this.#task.objectIds.length);
    this.#statuses[index] = status;
    this.#doubtful.push(index);
  }

  #record(index: number, outcome: OutcomeCode, status: number, lengthBytes: number): void {
    const { inventory, objectIds, sink } = this.#task;
    const { samples, directories, absent } = this.#findings;
    const id = objectIds[index] as number;
    this.found++;
    if (outcome === Outcome.absent) absent[id] = 1;
    if (isDirectoryLike(inventory, id)) {
      directories.set(id, outcome);
      return;
    }
    sink.record(id, outcome, outcome === Outcome.absent ? -1 : lengthBytes);
    samples.get(outcome)?.add(index, status, lengthBytes);
  }
}

/**
 * Apache's AddEncoding names the format of a file that is kept compressed, and tells its own length. Only so an encoded
 * answer proves anything: a server that compresses the file once more would hardly come to that very length.
 */
function isLabelled(lengthBytes: number, { paths, sizeBytes }: Inventory, id: number): boolean {
  return lengthBytes === sizeBytes[id] && KEPT_COMPRESSED.test(paths.at(id) as string);
}
