import { connect } from 'node:net';

export interface HeadAnswer {
  readonly status: number;
  /** NaN where none was told. */
  readonly lengthBytes: number;
}

const HEADER_END = '\r\n\r\n';
const MAX_BARREN_CONNECTIONS = 2;
const DEPTH = 64;

/**
 * Asks for targets (raw, from the leading slash) by pipelined HEADs on a bare socket, a new connection each time one
 * is cut. Resolves to the answers in order; they end where two connections in a row brought none.
 */
export async function rawHeads(port: number, targets: readonly string[], silenceMs: number): Promise<HeadAnswer[]> {
  const answers: HeadAnswer[] = [];
  for (let barren = 0; answers.length < targets.length && barren < MAX_BARREN_CONNECTIONS; ) {
    const before = answers.length;
    await oneConnection(port, targets, answers, silenceMs);
    barren = answers.length === before ? barren + 1 : 0;
  }
  return answers;
}

function oneConnection(port: number, targets: readonly string[], answers: HeadAnswer[], silenceMs: number) {
  return new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let sent = answers.length;
    let input = '';
    const ask = () => {
      const upTo = Math.min(targets.length, answers.length + DEPTH);
      const requests = targets.slice(sent, upTo).map((target) => `HEAD ${target} HTTP/1.1\r\nHost: test\r\n\r\n`);
      sent = Math.max(sent, upTo);
      if (requests.length > 0) socket.write(requests.join(''));
    };
    socket.setEncoding('latin1');
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on('data', (chunk: string) => {
      input += chunk;
      for (let end = input.indexOf(HEADER_END); end >= 0; end = input.indexOf(HEADER_END)) {
        answers.push(readHead(input.slice(0, end)));
        input = input.slice(end + HEADER_END.length);
      }
      if (answers.length === targets.length) socket.destroy();
      else ask();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    ask();
  });
}

function readHead(head: string): HeadAnswer {
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? Number.NaN);
  return { status, lengthBytes: Number(/\r\nContent-Length: (\d+)/i.exec(head)?.[1] ?? Number.NaN) };
}
