import type { Account } from './account.ts';
import { QUOTAS } from './quotas.ts';
import { type Answer, type Call, ServiceError } from './service-error.ts';
import type { EmulatedStore } from './store.ts';

/** The action's name, as policies and logs call it; null where there is none. */
export function dataPlaneAction({ method, segments }: Call): string | null {
  const [, , keys, key] = segments;
  if (segments[0] !== 'key-value-stores') return null;
  if (keys === undefined) return method === 'GET' ? 'DescribeKeyValueStore' : null;
  if (keys !== 'keys') return null;
  const actions =
    key === undefined ? { GET: 'ListKeys', POST: 'UpdateKeys' } : { GET: 'GetKey', PUT: 'PutKey', DELETE: 'DeleteKey' };
  return (actions as Record<string, string>)[method] ?? null;
}

/** The API of the keys: `com.amazonaws.cloudfrontkeyvaluestore`, REST and JSON. */
export function dataPlane(account: Account, call: Call, nowMs: number): Answer {
  const store = account.storeByArn(call.segments[1] ?? '');
  const key = call.segments[3] ?? '';
  switch (dataPlaneAction(call)) {
    case 'DescribeKeyValueStore':
      return json(
        {
          ItemCount: store.items.size,
          TotalSizeInBytes: store.totalBytes,
          KvsARN: store.arn,
          Created: store.createdAtMs / 1000,
          LastModified: store.lastModifiedMs / 1000,
          Status: store.status(nowMs),
        },
        store,
      );
    case 'ListKeys':
      return listKeys(store, call.query);
    case 'GetKey': {
      const value = store.items.get(key);
      if (value === undefined) throw new ServiceError(404, 'ResourceNotFoundException', 'Key not found');
      return json({ Key: key, Value: value, ...sizesOf(store) }, null);
    }
    case 'PutKey': {
      const { Value } = bodyOf(call) as { Value: string };
      store.update({ puts: [{ Key: key, Value }], deletes: [] }, call.ifMatch, nowMs);
      return json(sizesOf(store), store);
    }
    case 'DeleteKey':
      store.update({ puts: [], deletes: [{ Key: key }] }, call.ifMatch, nowMs);
      return json(sizesOf(store), store);
    case 'UpdateKeys': {
      const { Puts = [], Deletes = [] } = bodyOf(call) as {
        Puts?: { Key: string; Value: string }[];
        Deletes?: { Key: string }[];
      };
      store.update({ puts: Puts, deletes: Deletes }, call.ifMatch, nowMs);
      return json(sizesOf(store), store);
    }
    default:
      throw new ServiceError(404, 'UnknownOperationException', '');
  }
}

function listKeys(store: EmulatedStore, query: URLSearchParams): Answer {
  const most = Number(query.get('MaxResults') ?? QUOTAS.keysPerPageByDefault);
  if (!(most >= 1 && most <= QUOTAS.keysPerPage)) {
    throw new ServiceError(400, 'ValidationException', `MaxResults must be between 1 and ${QUOTAS.keysPerPage}`);
  }
  const after = Buffer.from(query.get('NextToken') ?? '', 'base64').toString();
  const keys = [...store.items.keys()].sort().filter((key) => key > after);
  const page = keys.slice(0, most);
  const next = keys.length > most ? Buffer.from(page.at(-1) as string).toString('base64') : undefined;
  return json({ NextToken: next, Items: page.map((key) => ({ Key: key, Value: store.items.get(key) })) }, null);
}

function sizesOf(store: EmulatedStore) {
  return { ItemCount: store.items.size, TotalSizeInBytes: store.totalBytes };
}

function bodyOf(call: Call): unknown {
  try {
    return JSON.parse(call.body.toString());
  } catch {
    throw new ServiceError(400, 'ValidationException', 'The body is not JSON');
  }
}

function json(body: unknown, store: EmulatedStore | null): Answer {
  return {
    status: 200,
    contentType: 'application/json',
    headers: store === null ? {} : { ETag: store.etag },
    body: JSON.stringify(body),
  };
}

export function dataPlaneError(error: ServiceError): Answer {
  return {
    status: error.status,
    contentType: 'application/json',
    headers: { 'x-amzn-ErrorType': error.code },
    body: JSON.stringify({ Message: error.message }),
  };
}
