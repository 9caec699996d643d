import type { CheckTask, Method, MethodReport } from './contract.ts';
import type { Ending } from './head-check.ts';
import { preflight } from './http-preflight.ts';

/** HEAD of every object, pipelined over a few connections. */
export const httpHead: Method = { name: 'http-head', scope: 'object', protocols: ['https', 'http'], check };

async function check(task: CheckTask): Promise<MethodReport> {
  // Loaded when it is needed: undici takes longer to load than most of a check over rsync alone takes to compare.
  const { HeadClient } = await import('../net/head-client.ts');
  const { userAgent, timeoutMs, accessPoint, objectIds, sink } = task;
  const budget = task.hosts.of(accessPoint.url);
  const clientUntil = (signal: AbortSignal) =>
    new HeadClient({ url: accessPoint.url, userAgent, budget, timeoutMs, signal });
  const client = clientUntil(task.signal);
  // What was found is confirmed though no more may be asked.
  const confirming = clientUntil(task.graceSignal);
  const goThrough = async (): Promise<Ending> => {
    const { verdict, reason, alone } = await preflight(task, client);
    if (verdict === 'interrupted') return { ended: 'interrupted', reasons: [] };
    if (verdict === 'down') {
      for (const id of objectIds) sink.fail(id, reason);
      return { ended: 'unusable', reasons: [reason] };
    }
    confirming.userAgent = client.userAgent;
    const { HeadCheck } = await import('./head-check.ts');
    return new HeadCheck(task, client, confirming, reason).run(alone);
  };
  const { ended, reasons, isRefuted = false } = await goThrough();
  if (ended !== 'whole') task.acquaintance.forget();
  client.count(confirming);
  const { requests, connections, bytes } = client;
  const roundTripsMs = [...client.roundTripsMs, ...confirming.roundTripsMs];
  const reason = reasons.filter((one) => one !== '').join('; ');
  return { ended, reason, isRefuted, requests, connections, bytes, roundTripsMs };
}
