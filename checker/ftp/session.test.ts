import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FUZZ_TIMEOUT_MS, mutated, PARSER_CASES } from '../../test/fuzzing.ts';
import type { FtpListing } from './judge-listing.ts';
import { FtpFailure } from './replies.ts';
import { FtpSession } from './session.ts';

// What each server answered, in turn, to the commands that a session sends for a folder with a file in it, and for one
// that is not there; the data port is "#####".
const CAPTURED = new URL('../testing/ftp-dialogues/', import.meta.url);
const NAMES = readdirSync(CAPTURED);
const DIALOGUES = NAMES.map((name) => readFileSync(new URL(name, CAPTURED)));
const LISTINGS: Readonly<Record<string, string>> = {
  'proftpd.txt': 'type=cdir; .\r\ntype=file;size=5; there\r\n',
  'vsftpd.txt': 'drwxr-xr-x 2 0 0 4096 Jan  2  2026 .\r\n-rw-r--r-- 1 0 0 5 Jan  2  2026 there\r\n',
};
const TURN_END = '\x1e';
/** A client that waits for the end of an answer is sent the next one. */
const NUDGE_MS = 15;
const TIMEOUT_MS = 1000;
/** What the session itself may take, and a busy machine besides. */
const DEADLINE_MS = 60_000;
const AT_ONCE = 50;
const BATCH_CASES = 500;
/** Each is a conversation over a real socket: half of them for each of two properties. */
const CASES = Math.ceil(PARSER_CASES / 2);
const MAX_REASON_CHARACTERS = 400;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f]/;

/** A server for one connection: answers whatever comes with the next turn, and ends it after the last. */
interface Talker {
  readonly port: number;
  close(): void;
}

const open = new Set<Socket | Server>();

async function listen(onSocket: (socket: Socket) => void): Promise<Server & { readonly port: number }> {
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {});
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  open.add(server);
  await once(server, 'listening');
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

async function talker(dialogue: Buffer, dataPort: number): Promise<Talker> {
  const turns = dialogue.toString('latin1').replaceAll('#####', String(dataPort)).split(TURN_END);
  const server = await listen((socket) => {
    const timer = setInterval(() => say(), NUDGE_MS);
    const say = () => {
      const turn = turns.shift();
      if (turn === undefined) socket.end();
      else socket.write(turn, 'latin1');
      timer.refresh();
    };
    socket.on('data', say).on('close', () => clearInterval(timer));
    say();
  });
  const close = () => {
    server.close();
    open.delete(server);
  };
  return { port: server.port, close };
}

const dataPorts: number[] = [];
beforeAll(async () => {
  for (const name of NAMES) {
    const { port } = await listen((socket) => socket.end(LISTINGS[name] as string, 'latin1'));
    dataPorts.push(port);
  }
});
afterAll(() => {
  for (const each of open) if ('destroy' in each) each.destroy();
  for (const each of open) if ('close' in each) each.close();
});

interface Held {
  readonly listings: readonly FtpListing[];
  readonly names: readonly string[];
}

/** A session with a server that says this. Throws what is no named failure, and where it never ends. */
async function hold(which: number, dialogue: Buffer): Promise<Held> {
  const { port, close } = await talker(dialogue, dataPorts[which] as number);
  const session = new FtpSession({ host: '127.0.0.1', port, password: 'test', allowed: null, timeoutMs: TIMEOUT_MS });
  const listings: FtpListing[] = [];
  const names: string[] = [];
  const work = async () => {
    await session.open();
    for (const directory of ['a', 'gone']) {
      listings.push(await session.list(directory, ({ name }) => names.push(name)));
    }
  };
  const late = new AbortController();
  const hung = delay(DEADLINE_MS, undefined, { signal: late.signal }).then(
    () => {
      throw new Error('it hangs');
    },
    () => {},
  );
  try {
    await Promise.race([work(), hung]);
  } catch (error) {
    if (!(error instanceof FtpFailure)) throw error;
    listings.push({ ended: 'failed', reason: error.message, showsHidden: false });
  } finally {
    late.abort();
    session.stop('done');
    close();
  }
  return { listings, names };
}

function expectNamed({ listings, names }: Held): void {
  for (const { ended, reason } of listings) {
    if ((ended === 'whole') !== (reason === '')) throw new Error(`${ended} for the reason ${JSON.stringify(reason)}`);
    if (UNSAFE.test(reason)) throw new Error(`a reason that is not safe to show: ${JSON.stringify(reason)}`);
    if (reason.length > MAX_REASON_CHARACTERS) throw new Error(`a reason of ${reason.length} characters`);
  }
  // Of the two listings, whatever was said about them.
  if (names.length > 8) throw new Error(`${names.length} names of one`);
}

/** Some sessions at once, as many cases as are asked for. */
async function fuzz(dialogue: fc.Arbitrary<{ readonly which: number; readonly bytes: Buffer }>): Promise<void> {
  const together = fc.array(dialogue, { minLength: AT_ONCE, maxLength: AT_ONCE });
  const property = fc.asyncProperty(together, async (dialogues) => {
    const held = await Promise.all(dialogues.map(({ which, bytes }) => hold(which, bytes)));
    held.forEach(expectNamed);
  });
  for (let left = CASES; left > 0; left -= BATCH_CASES) {
    await fc.assert(property, { numRuns: Math.ceil(Math.min(BATCH_CASES, left) / AT_ONCE), endOnFailure: true });
  }
}

describe('whatever a server replies', () => {
  test.each([
    ['lines of one answer', '220-More\r\n', 'sends an answer without end'],
    ['a line', 'x', 'no answer within 1 s'],
    ['answers that are none yet', '150 Soon\r\n', expect.stringMatching(/^(no answer within 1 s|answers "150 Soon")$/)],
    ['answers nobody asked for', '220 Hello\r\n', expect.any(String)],
  ])('%s without end: a named failure in bounded time and memory', async (_, line, wanted) => {
    const chunk = Buffer.from(line.repeat(Math.ceil(16_384 / line.length)));
    const server = await listen((socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
    });
    const before = process.memoryUsage().rss;
    const session = new FtpSession({
      host: '127.0.0.1',
      port: server.port,
      password: 'test',
      allowed: null,
      timeoutMs: TIMEOUT_MS,
    });
    const failure = await session.open().then(
      () => null,
      (error: unknown) => error,
    );
    session.stop('done');
    server.close();
    if (failure !== null) {
      expect(failure).toBeInstanceOf(FtpFailure);
      expect((failure as FtpFailure).message).toEqual(wanted);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });

  test.each(NAMES.map((name, i) => [name, i] as const))('%s as it was captured', async (_, which) => {
    const { listings, names } = await hold(which, DIALOGUES[which] as Buffer);
    expect(names).toEqual(['there']);
    expect(listings).toMatchObject(
      [{ ended: 'whole' }, { ended: 'refused', reason: /^answers "550 / }].map((each) =>
        'reason' in each ? { ended: each.ended, reason: expect.stringMatching(each.reason as RegExp) } : each,
      ),
    );
  });

  test('captured dialogues with bytes changed, taken out, put in and repeated end in a listing or a named failure', {
    timeout: FUZZ_TIMEOUT_MS,
  }, async () => {
    await fuzz(mutated(DIALOGUES));
  });

  test('so do dialogues made of the pieces of replies', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const piece = fc.constantFrom(
      ...['220', '230', '331', '200', '211', '257', '250', '229', '227', '150', '226', '421', '550', '502', '425'],
      ...['-', ' ', '\r\n', '\n', '\r', TURN_END, '"/"', '"', '(|||#####|)', '(127,0,0,1,0,1)', '(|||99999|)', '\0'],
      ...['\x1b[31m', '\xff\xfb\x01', '211-Features:\r\n MLST\r\n211 End\r\n', 'x'.repeat(5000), '150 \r\n'.repeat(99)],
      ...['220 Hello\r\n', '230 Welcome\r\n', '200 Fine\r\n', '257 "/" is here\r\n', '250 There\r\n', '226 Done\r\n'],
    );
    const bytes = fc
      .array(fc.oneof({ weight: 6, arbitrary: piece }, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 60 })
      .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
    await fuzz(fc.record({ which: fc.nat(DIALOGUES.length - 1), bytes }));
  });
});
