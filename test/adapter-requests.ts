import { Agent, request as httpRequest } from 'node:http';
import type { AdapterRequest, RunningAdapter } from './suites/adapter.ts';

/** A request's query as it is sent, without the question mark. */
export const rawQuery = (query: AdapterRequest['query']) =>
  Object.entries(query)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('&');

/** What CloudFront tells of a viewer. */
export const headersOf = ({ country, subdivision, scheme }: AdapterRequest): Record<string, string> => ({
  ...(country === '' ? {} : { 'cloudfront-viewer-country': country }),
  ...(subdivision === '' ? {} : { 'cloudfront-viewer-country-region': subdivision }),
  'cloudfront-forwarded-proto': scheme,
});

/** Asks a server as a trusted proxy would. */
export function askOver(url: string): RunningAdapter['ask'] {
  const agent = new Agent({ keepAlive: true });
  return (request) =>
    new Promise((resolve, reject) => {
      const query = rawQuery(request.query);
      const { port, hostname } = new URL(url);
      const sent = httpRequest(
        {
          agent,
          hostname,
          port,
          method: request.method,
          path: request.path + (query === '' ? '' : `?${query}`),
          headers: {
            ...headersOf(request),
            'x-forwarded-for': `203.0.113.9, ${request.ip}`,
            'x-forwarded-proto': request.scheme,
          },
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (chunk) => {
            body += chunk;
          });
          response.on('end', () =>
            resolve({
              status: response.statusCode as number,
              headers: response.headers as Record<string, string>,
              body,
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end();
    });
}
