import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { holdsEverything } from '../../../demo/holdings.ts';
import { ALL_PROVEN, asCopied, type Behaviour } from '../behaviour.ts';
import { type Act, say, sayForEver, saySlowly, scripted, type ZooRequest } from '../scripted-http.ts';
import { mirrorAnswer, onWire, page, type WebAnswer } from '../web-answers.ts';

const PROTOCOL = 'http';
const HASTY_MS = 1000;

/** Does something of its own with index pages, and answers everything else as a good mirror does. */
function withIndex(act: (socket: Socket, answer: WebAnswer, request: ZooRequest) => void): ReturnType<typeof scripted> {
  const choose: Act = (socket, request) => {
    const isIndex =
      request.method === 'GET' && request.answer.status === 200 && request.answer.body.startsWith('<html>');
    if (isIndex) act(socket, request.answer, request);
    else say(socket, request.wire);
  };
  return scripted(choose, { indexes: true });
}

/** Sends another page in place of the index, with its length told. */
const withPage = (change: (body: string, request: ZooRequest) => string) =>
  withIndex((socket, { body }, request) => say(socket, onWire(page(200, change(body, request)), 'GET')));

const half = (body: string) => body.slice(0, body.length / 2);
const IN_CHUNKS = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

function lines(body: string, change: (rows: string[]) => string[]): string {
  const [before, rows, after] = body.split(/(?<=\.\.\/<\/a>\n)|(?=<\/pre>)/) as [string, string, string];
  return before + change(rows.split(/(?<=\n)/)).join('') + after;
}

const NOISE = `<div class="motd"><h2>Welcome, <b>friend</b>!</h2><!-- <pre><a href="../">../</a> -->
<p>Mirror of <a href="https://other.example.org/distfiles/">others</a>; see <a href="README.html">README.html</a>
30-Jun-2026 12:34 99</p><script>document.write('<a href="forged.tar.gz">forged</a>')</script>\x1b[31m</div>\n`;

/** Of a quarter of a gigabyte; made when it is needed, because that takes a second. */
const gzipBomb = () => gzipSync(Buffer.alloc(2 ** 28, '<a href="x">x</a>\n')).toString('latin1');

/** What index pages are like; HEAD is answered as it should be, so that all is found out in spite of them. */
export const WEB_LISTINGS: readonly Behaviour[] = (
  [
    {
      name: 'index pages cut in the middle, against their length',
      start: withIndex((socket, answer) => socket.end(onWire({ ...answer, body: half(answer.body) }, 'GET'), 'latin1')),
    },
    {
      name: 'index pages cut in the middle, with no length told',
      start: withIndex((socket, { body }) => socket.end(`HTTP/1.0 200 OK\r\n\r\n${half(body)}`, 'latin1')),
    },
    {
      name: 'index pages in chunks, cut before the last',
      start: withIndex((socket, { body }) => socket.end(IN_CHUNKS + chunk(half(body)), 'latin1')),
    },
    {
      name: 'index pages that stop at ten names and say nothing of it',
      start: withPage((body) => lines(body, (rows) => rows.slice(0, 10))),
    },
    {
      name: 'index pages with a message of the day, comments, forged links',
      start: withPage((body) => body.replace('<h1>', `${NOISE}<h1>`).replace('</body>', `${NOISE}</body>`)),
    },
    {
      name: 'index pages with names that are not there',
      start: withPage((_, { zoo, target }) => mirrorAnswer({ ...zoo, holdings: holdsEverything }, target, true).body),
    },
    {
      name: 'index pages with sizes off by one',
      start: withPage((body) => body.replace(/(\d+)(?=\n)/g, (size) => String(Number(size) + 1))),
    },
    {
      name: 'the index of the root for every directory',
      start: withPage((_, { zoo }) => mirrorAnswer(zoo, '/', true).body),
    },
    {
      name: 'index pages that stall in the middle',
      start: withIndex((socket, answer) => say(socket, onWire({ ...answer, body: half(answer.body) }, 'GET'))),
      timeoutMs: HASTY_MS,
      deadlineMs: 180_000,
    },
    {
      name: 'index pages that come a letter at a time',
      start: withIndex((socket, answer) => saySlowly(socket, onWire(answer, 'GET'), 1, 100)),
      timeoutMs: HASTY_MS,
      deadlineMs: 180_000,
    },
    {
      name: 'index pages without end',
      start: withIndex((socket, { body }) => {
        say(socket, `HTTP/1.1 200 OK\r\n\r\n${half(body)}`);
        sayForEver(socket, Buffer.from('<a href="more.tar.gz">more</a>  30-Jun-2026 12:34  1\n'.repeat(1000)));
      }),
      isGreedy: true,
      deadlineMs: 180_000,
    },
    {
      name: 'index pages with a tag without end',
      start: withIndex((socket, { body }) => {
        say(socket, `HTTP/1.1 200 OK\r\n\r\n${half(body)}<a href="`);
        sayForEver(socket, Buffer.alloc(2 ** 16, 'a'));
      }),
      isGreedy: true,
      deadlineMs: 180_000,
    },
    {
      name: 'index pages that are gzip bombs',
      start: (zoo) => {
        const bomb = onWire(page(200, gzipBomb(), { 'Content-Encoding': 'gzip' }), 'GET');
        return withIndex((socket) => say(socket, bomb))(zoo);
      },
      isGreedy: true,
      deadlineMs: 180_000,
    },
    {
      name: 'index pages that redirect to a login page',
      start: withIndex((socket) =>
        say(socket, onWire(page(302, '', { Location: 'https://login.example.org/' }), 'GET')),
      ),
    },
  ] satisfies readonly Pick<Behaviour, 'name' | 'start' | 'timeoutMs' | 'deadlineMs' | 'isGreedy'>[]
).map((behaviour) => ({ protocol: PROTOCOL, truth: asCopied, demand: ALL_PROVEN, ...behaviour }));
