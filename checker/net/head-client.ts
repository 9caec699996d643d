import { type HeadRun, type HeadRunReport, headAll } from './head-run.ts';
import type { HostBudget } from './host-budget.ts';

/** An answer to a HEAD. */
export interface HeadAnswer {
  readonly status: number;
  /** -1 where none is told. */
  readonly lengthBytes: number;
  /** '' but for redirects; hostile text. */
  readonly location: string;
}

export interface HeadClientOptions {
  /** The root: an absolute URL with a trailing slash. */
  readonly url: string;
  readonly userAgent: string;
  readonly budget: HostBudget;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Certificates to trust instead of the system's. */
  readonly ca?: Buffer;
}

/** How a run asks, where it is not one request at a time on one connection. */
export type Pace = Pick<HeadRun, 'connections' | 'depth' | 'singleUse' | 'http2'>;

const ONE_AT_A_TIME: Pace = { connections: 1, depth: { first: 1, most: 1 } };
/** One at a time on each of several connections. */
export const SIDE_BY_SIDE: Pace = { connections: 4, depth: { first: 1, most: 1 } };

/** Asks one access point, and keeps count of what that cost it. */
export class HeadClient {
  userAgent: string;
  requests = 0;
  connections = 0;
  bytes = 0;
  /** Times from a request to its answer, of those asked one at a time on an open connection. */
  readonly roundTripsMs: number[] = [];
  readonly #options: HeadClientOptions;
  readonly #url: URL;

  constructor(options: HeadClientOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    this.userAgent = options.userAgent;
  }

  /** `pathOf` is relative to the root. */
  async askAll(
    run: Pick<
      HeadRun,
      'count' | 'pathOf' | 'onAnswer' | 'onFailure' | 'onRound' | 'maxStrikes' | 'budgetMs' | 'spentMs' | 'isEnough'
    > &
      Pace,
  ): Promise<HeadRunReport> {
    const { budget, timeoutMs, signal, ca } = this.#options;
    const { origin, pathname } = this.#url;
    const pathOf = (index: number) => pathname + run.pathOf(index);
    const trust = ca === undefined ? {} : { ca };
    const same = { origin, userAgent: this.userAgent, budget, timeoutMs, signal, ...trust };
    const report = await headAll({ ...run, ...same, pathOf });
    this.count(report);
    return report;
  }

  /** Adds what something else has cost the access point. */
  count({ requests, connections, bytes }: Pick<HeadRunReport, 'requests' | 'connections' | 'bytes'>): void {
    this.requests += requests;
    this.connections += connections;
    this.bytes += bytes;
  }

  /** Given up at the first failure: its reason is in the report. What was not answered is null. */
  async askFew(
    paths: readonly string[],
    pace: Pace = ONE_AT_A_TIME,
  ): Promise<{ readonly answers: readonly (HeadAnswer | null)[]; readonly report: HeadRunReport }> {
    const answers = new Array<HeadAnswer | null>(paths.length).fill(null);
    const report = await this.askAll({
      ...pace,
      count: paths.length,
      pathOf: (index) => paths[index] as string,
      onAnswer: (index, status, lengthBytes, location) => {
        answers[index] = { status, lengthBytes, location };
      },
      onFailure: () => {},
      onRound: (latencyMs) => {
        if (pace.depth.most === 1) this.roundTripsMs.push(latencyMs);
      },
      maxStrikes: 1,
      budgetMs: this.#options.timeoutMs * 2,
    });
    return { answers, report };
  }
}
