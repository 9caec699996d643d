import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What a server said to a HEAD: its status, and the length it told (-1 = none). */
export interface HeadAnswer {
  readonly status: number;
  readonly length: number;
}

/** How much is asked at the same time. */
export interface Haste {
  readonly connections: number;
  /** Requests under way on one connection. */
  readonly depth: number;
}

const HURRIED: Haste = { connections: 4, depth: 100 };
/** Connections that end without an answer, as a busy server's do now and then. */
const MOST_IN_VAIN = 5;
const END = '\r\n\r\n';

/**
 * Asks one server for many paths: a client of the tests' own, that shares nothing with the checker. Pipelined; after
 * a cut the unanswered are asked again. Answers in the order of the paths. Rejects where a connection can't be made.
 */
export async function headAll(
  origin: string,
  paths: readonly string[],
  ca: Buffer | null,
  { connections, depth }: Haste = HURRIED,
): Promise<HeadAnswer[]> {
  const answers = new Array<HeadAnswer>(paths.length);
  const { hostname, port, protocol } = new URL(origin);
  const open = () => {
    const to = { host: hostname, port: Number(port) };
    return protocol === 'https:' ? connectTls({ ...to, ...(ca === null ? {} : { ca }) }) : connect(to);
  };
  const share = Math.ceil(paths.length / connections);
  const shares = Array.from({ length: connections }, (_, i) => ({
    first: i * share,
    end: Math.min(paths.length, (i + 1) * share),
  }));
  await Promise.all(
    shares.map(async ({ first, end }) => {
      for (let next = first, inVain = 0; next < end; ) {
        const before = next;
        next = await onOneConnection(open(), `${hostname}:${port}`, paths, answers, next, end, depth);
        inVain = next === before ? inVain + 1 : 0;
        if (inVain === MOST_IN_VAIN) throw new Error(`${origin} answers nothing to ${paths[next]}`);
      }
    }),
  );
  return answers;
}

function onOneConnection(
  socket: Socket,
  host: string,
  paths: readonly string[],
  answers: HeadAnswer[],
  first: number,
  end: number,
  depth: number,
): Promise<number> {
  let asked = first;
  let answered = first;
  let rest = '';
  const ask = () => {
    let text = '';
    for (; asked < end && asked - answered < depth; asked++)
      text += `HEAD ${paths[asked]} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    if (text !== '') socket.write(text);
  };
  return new Promise((resolve, reject) => {
    ask();
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('latin1');
      const heads = rest.split(END);
      rest = heads.pop() as string;
      for (const head of heads) answers[answered++] = answerOf(head);
      if (answered === end) socket.destroy();
      else ask();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server that ends a connection with requests unread may do so by a reset.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(answered));
  });
}

function answerOf(head: string): HeadAnswer {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return { status: Number(head.slice(9, 12)), length: length === undefined ? -1 : Number(length) };
}
