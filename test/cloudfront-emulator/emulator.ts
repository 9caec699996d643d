import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Account } from './account.ts';
import type { FakeClock } from './clock.ts';
import { controlPlane, controlPlaneAction, controlPlaneError } from './control-plane.ts';
import { type Credentials, checkSignature } from './credentials.ts';
import { dataPlane, dataPlaneAction, dataPlaneError } from './data-plane.ts';
import { EmulatedEdge } from './edge.ts';
import { type Answer, type Call, ServiceError } from './service-error.ts';
import { testRunner } from './test-run.ts';

/**
 * What befalls a call: it is refused; its answer is lost though it was done (`cutAfter`); or it never arrives
 * (`cutBefore`). Null: nothing.
 */
export type Fault = ServiceError | 'cutBefore' | 'cutAfter' | null;

export interface EmulatorOptions {
  readonly clock: FakeClock;
  readonly accountId?: string;
  /** By access key id. Without any, everybody may do everything. */
  readonly credentials?: ReadonlyMap<string, Credentials>;
}

export interface LoggedCall {
  readonly plane: 'control' | 'data';
  readonly action: string;
}

/**
 * CloudFront's two APIs on a port of the loopback, and its edges. Time in it (provisioning, propagation) is the clock's;
 * only signatures go by the real one.
 */
export class CloudFrontEmulator {
  readonly account: Account;
  readonly #clock: FakeClock;
  readonly #credentials: ReadonlyMap<string, Credentials>;
  readonly #server: Server;
  /** Every call that arrived, in order. */
  readonly calls: LoggedCall[] = [];
  /** Asked for each call, with its number from 0. */
  fault: (call: LoggedCall, number: number) => Fault = () => null;
  /** What TestFunction reports. */
  utilization = 8;
  /** How far the service's clock is ahead of this machine's. */
  skewMs = 0;

  private constructor(options: EmulatorOptions, server: Server) {
    this.account = new Account(options.accountId ?? '123456789012');
    this.#clock = options.clock;
    this.#credentials = options.credentials ?? new Map();
    this.#server = server;
  }

  static async start(options: EmulatorOptions): Promise<CloudFrontEmulator> {
    const server = createServer();
    const emulator = new CloudFrontEmulator(options, server);
    server.on('request', (request, response) => void emulator.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return emulator;
  }

  /** For both clients: the control plane's as it is, the keys' with the account before it, below `localhost`. */
  get endpoint(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  edge(name: string): EmulatedEdge {
    return new EmulatedEdge(name, this.account, this.#clock.nowMs);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await callOf(request);
    const plane = call.segments[0] === 'key-value-stores' ? 'data' : 'control';
    const action = (plane === 'data' ? dataPlaneAction(call) : controlPlaneAction(call)) ?? 'Unknown';
    const logged: LoggedCall = { plane, action };
    const fault = this.fault(logged, this.calls.length);
    this.calls.push(logged);
    if (fault === 'cutBefore') return void request.socket.destroy();
    const answer = await this.#answer(request, call, logged, fault instanceof ServiceError ? fault : null);
    if (fault === 'cutAfter') return void request.socket.destroy();
    response.writeHead(answer.status, {
      date: new Date(Date.now() + this.skewMs).toUTCString(),
      ...(answer.contentType === undefined ? {} : { 'content-type': answer.contentType }),
      ...answer.headers,
    });
    response.end(answer.body);
  }

  async #answer(
    request: IncomingMessage,
    call: Call,
    { plane, action }: LoggedCall,
    refusal: ServiceError | null,
  ): Promise<Answer> {
    const nowMs = this.#clock.nowMs();
    try {
      checkSignature(request.headers, plane, action, this.#credentials, Date.now() + this.skewMs);
      if (refusal !== null) throw refusal;
      if (plane === 'data') return dataPlane(this.account, call, nowMs);
      return await controlPlane(
        this.account,
        call,
        nowMs,
        testRunner(this.account, () => this.utilization),
      );
    } catch (error) {
      const known =
        error instanceof ServiceError ? error : new ServiceError(500, 'InternalServerException', String(error));
      return plane === 'data' ? dataPlaneError(known) : controlPlaneError(known);
    }
  }
}

async function callOf(request: IncomingMessage): Promise<Call> {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const ifMatch = request.headers['if-match'];
  return {
    method: request.method ?? 'GET',
    segments: path.split('/').slice(1).map(decodeURIComponent),
    query: new URLSearchParams(query),
    ifMatch,
    body: Buffer.concat(chunks),
  };
}
