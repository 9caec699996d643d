import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseKeys, tablesOf } from '../built-function.ts';
import { sha256 } from '../http-event.ts';
import { answerFrom, queryOf } from '../in-memory.ts';

/**
 * The Lambda@Edge function, for viewer-request and origin-request events, with the map in its package. At the
 * viewer-request event CloudFront tells neither country nor scheme: viewers are then of an unknown place, and are sent
 * to https. `package.ts` makes the zip.
 */

declare const FALLBACK: string;
/** The bundle is CommonJS: the folder the package was unpacked to. */
declare const __dirname: string;

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html */
interface LambdaEvent {
  readonly Records: readonly {
    readonly cf: {
      readonly request: {
        readonly clientIp: string;
        readonly method: string;
        readonly uri: string;
        readonly querystring: string;
        readonly headers: { readonly [name: string]: readonly { readonly value: string }[] | undefined };
      };
    };
  }[];
}

interface LambdaResponse {
  readonly status: string;
  readonly statusDescription: string;
  readonly headers: Readonly<Record<string, readonly { readonly key: string; readonly value: string }[]>>;
  readonly body?: string;
}

const tables = tablesOf(parseKeys(readFileSync(join(__dirname, 'kvs.json'), 'utf8'), 'kvs.json'));

export async function handler(event: LambdaEvent): Promise<LambdaResponse> {
  const request = event.Records[0]?.cf.request;
  const header = (name: string) => request?.headers[name]?.[0]?.value ?? '';
  const answer = answerFrom(
    tables,
    {
      method: request?.method ?? 'GET',
      uri: request?.uri ?? '/',
      query: queryOf(request?.querystring ?? ''),
      ip: request?.clientIp ?? '',
      country: header('cloudfront-viewer-country'),
      subdivision: header('cloudfront-viewer-country-region'),
      forwardedProto: header('cloudfront-forwarded-proto'),
    },
    Date.now() / 1000,
    FALLBACK,
    sha256,
  );
  return {
    status: String(answer.status),
    statusDescription: answer.description,
    headers: Object.fromEntries(Object.entries(answer.headers).map(([key, value]) => [key, [{ key, value }]])),
    ...(answer.body === '' ? {} : { body: answer.body }),
  };
}
