import { randomBytes, randomUUID } from 'node:crypto';
import { DURATIONS, QUOTAS } from './quotas.ts';
import { ServiceError } from './service-error.ts';

export interface KeyChange {
  readonly atMs: number;
  /** Null where the key was deleted. */
  readonly value: string | null;
}

export interface KeyUpdate {
  readonly puts: readonly { readonly Key: string; readonly Value: string }[];
  readonly deletes: readonly { readonly Key: string }[];
}

/** A key value store, with every change of every key, for the edges' views of it. */
export class EmulatedStore {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly readyAtMs: number;
  comment: string;
  lastModifiedMs: number;
  controlETag = newETag();
  readonly items = new Map<string, string>();
  readonly history = new Map<string, KeyChange[]>();
  #etag = newETag();
  #totalBytes = 0;

  constructor(name: string, comment: string, accountId: string, nowMs: number) {
    this.name = name;
    this.comment = comment;
    this.id = randomUUID();
    this.arn = `arn:aws:cloudfront::${accountId}:key-value-store/${this.id}`;
    this.createdAtMs = nowMs;
    this.lastModifiedMs = nowMs;
    this.readyAtMs = nowMs + DURATIONS.provisioningMs;
  }

  get etag(): string {
    return this.#etag;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  status(nowMs: number): 'PROVISIONING' | 'READY' {
    return nowMs >= this.readyAtMs ? 'READY' : 'PROVISIONING';
  }

  /** All or nothing. Throws ServiceError as the service refuses. */
  update({ puts, deletes }: KeyUpdate, ifMatch: string | undefined, nowMs: number): void {
    if (this.status(nowMs) !== 'READY') {
      throw new ServiceError(409, 'ConflictException', 'Key-Value-Store is not ready');
    }
    if (ifMatch !== this.#etag) {
      throw new ServiceError(400, 'ValidationException', 'Pre-Condition failed during update of Key-Value-Store');
    }
    checkShape(puts, deletes);
    const totalBytes = this.#totalAfter(puts, deletes);
    if (totalBytes > QUOTAS.storeBytes) throw limitExceeded('Maximum size of the key value store');
    const isChange = puts.length > 0 || deletes.some(({ Key }) => this.items.has(Key));
    for (const { Key, Value } of puts) this.#set(Key, Value, nowMs);
    for (const { Key } of deletes) if (this.items.has(Key)) this.#set(Key, null, nowMs);
    this.#totalBytes = totalBytes;
    // Deleting a key that is not there succeeds and leaves the ETag.
    if (!isChange) return;
    this.#etag = newETag();
    this.lastModifiedMs = nowMs;
  }

  #totalAfter(puts: KeyUpdate['puts'], deletes: KeyUpdate['deletes']): number {
    let total = this.#totalBytes;
    const bytesOf = (key: string) => {
      const value = this.items.get(key);
      return value === undefined ? 0 : Buffer.byteLength(key) + Buffer.byteLength(value);
    };
    for (const { Key, Value } of puts) total += Buffer.byteLength(Key) + Buffer.byteLength(Value) - bytesOf(Key);
    for (const { Key } of deletes) total -= bytesOf(Key);
    return total;
  }

  #set(key: string, value: string | null, atMs: number): void {
    if (value === null) this.items.delete(key);
    else this.items.set(key, value);
    const changes = this.history.get(key) ?? [];
    changes.push({ atMs, value });
    this.history.set(key, changes);
  }
}

function checkShape(puts: KeyUpdate['puts'], deletes: KeyUpdate['deletes']): void {
  const count = puts.length + deletes.length;
  if (count === 0) throw new ServiceError(400, 'ValidationException', 'No keys to update');
  if (count > QUOTAS.keysPerUpdate) throw limitExceeded('Maximum number of keys in an update');
  const names = new Set([...puts, ...deletes].map(({ Key }) => Key));
  if (names.size < count) throw new ServiceError(400, 'ValidationException', 'Duplicate keys in the request');
  let bytes = 0;
  for (const { Key, Value } of puts) {
    if (Buffer.byteLength(Key) > QUOTAS.keyBytes) throw limitExceeded('Maximum size of the key in a key value pair');
    if (Buffer.byteLength(Value) > QUOTAS.valueBytes)
      throw limitExceeded('Maximum size of the value in a key value pair');
    bytes += Buffer.byteLength(Key) + Buffer.byteLength(Value);
  }
  if (bytes > QUOTAS.bytesPerUpdate) throw limitExceeded('Maximum size of an update');
}

function limitExceeded(what: string): ServiceError {
  return new ServiceError(402, 'ServiceQuotaExceededException', `Limit exceeded: ${what}`);
}

export function newETag(): string {
  return `E${randomBytes(7).toString('hex').toUpperCase().slice(0, 13)}`;
}
