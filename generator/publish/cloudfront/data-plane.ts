import {
  CloudFrontKeyValueStoreClient,
  DescribeKeyValueStoreCommand,
  ListKeysCommand,
  UpdateKeysCommand,
} from '@aws-sdk/client-cloudfront-keyvaluestore';
// For its side effect: the keys' interface is signed with SigV4A, which the client does not bring.
import '@aws-sdk/signature-v4a';
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Batch } from './key-plan.ts';
import { LIMITS } from './limits.ts';
import { type ClientOptions, clientConfig, countCalls } from './sdk-options.ts';
import { translating } from './service-errors.ts';

export interface StoreState {
  /** Versions the whole store. */
  readonly etag: string;
  readonly modifiedAtMs: number;
}

/** The interface of the keys. Every call costs; methods throw ServiceFault or UsageError. */
export interface DataPlane {
  describe(arn: string, signal: AbortSignal): Promise<StoreState>;
  /** All keys; `onPage` is told the number of each page. */
  list(arn: string, signal: AbortSignal, onPage: (keys: number) => void): Promise<Map<string, string>>;
  /** Answers the new ETag. A ServiceFault with the code `STALE` where the store is not at `etag` any more. */
  update(arn: string, etag: string, batch: Batch, signal: AbortSignal): Promise<string>;
  /** Calls so far, repeated ones too. */
  calls(): number;
  close(): void;
}

export function dataPlane(options: ClientOptions, store: string): DataPlane {
  const client = new CloudFrontKeyValueStoreClient(clientConfig(options, { lookup: lookupLoopback }));
  const calls = countCalls(client.middlewareStack);
  const subject = `the store ${JSON.stringify(store)}`;
  const ask = <T>(work: Promise<T>): Promise<T> => translating(work, subject);
  return {
    async describe(arn, abortSignal) {
      const found = await ask(client.send(new DescribeKeyValueStoreCommand({ KvsARN: arn }), { abortSignal }));
      return { etag: found.ETag ?? '', modifiedAtMs: (found.LastModified ?? found.Created)?.getTime() ?? 0 };
    },
    async list(KvsARN, abortSignal, onPage) {
      const keys = new Map<string, string>();
      let NextToken: string | undefined;
      do {
        const request = new ListKeysCommand({ KvsARN, MaxResults: LIMITS.keysPerPage, NextToken });
        const page = await ask(client.send(request, { abortSignal }));
        for (const { Key = '', Value = '' } of page.Items ?? []) keys.set(Key, Value);
        onPage(page.Items?.length ?? 0);
        NextToken = page.NextToken;
      } while (NextToken !== undefined);
      return keys;
    },
    async update(KvsARN, IfMatch, { puts, deletes }, abortSignal) {
      const request = new UpdateKeysCommand({
        KvsARN,
        IfMatch,
        Puts: puts.map(([Key, Value]) => ({ Key, Value })),
        Deletes: deletes.map((Key) => ({ Key })),
      });
      return (await ask(client.send(request, { abortSignal }))).ETag ?? '';
    },
    calls,
    close: () => client.destroy(),
  };
}

/**
 * The SDK puts the account's number before the host of the endpoint, so an emulator on this machine is asked for as
 * `123456789012.localhost`: names below `localhost` are the loopback (RFC 6761, section 6.3), which not every resolver
 * knows.
 */
const lookupLoopback: LookupFunction = (host, options, done) => {
  if (!/(^|\.)localhost$/.test(host)) lookup(host, options, done);
  else if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};
