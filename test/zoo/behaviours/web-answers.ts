import type { Socket } from 'node:net';
import { ALL_PROVEN, all, asCopied, type Behaviour, downBecause, none, type Truth, unproven } from '../behaviour.ts';
import { type Act, say, scripted, type ZooRequest } from '../scripted-http.ts';
import { answerByName, NOT_FOUND, onWire, page, type WebAnswer } from '../web-answers.ts';
import type { ZooObject } from '../zoo-tree.ts';

const PROTOCOL = 'http';
const ESCAPES = '\x1b[31m\x1b]0;owned\x07\x9b2J';
const FORMULA = '=cmd|"/c calc"!A0';

const DISAGREE =
  /^HEAD and GET disagree: for "[^"]+" HEAD is answered (404|200 with [\d,]+ bytes).*, GET (404|200 with)/;

/** Answers as a good mirror does, but for what `change` makes of it. */
const changed = (change: (answer: WebAnswer, request: ZooRequest) => WebAnswer): Act => {
  return (socket, request) => say(socket, onWire(change(request.answer, request), request.method));
};
const always = (answer: WebAnswer): Act => changed(() => answer);
const isOk = ({ status }: WebAnswer) => status === 200;
const withHeaders = (answer: WebAnswer, headers: WebAnswer['headers']): WebAnswer => ({
  ...answer,
  headers: { ...answer.headers, ...headers },
});
const withoutLength = (answer: WebAnswer, headers: WebAnswer['headers'] = {}): WebAnswer => {
  const { 'Content-Length': _, ...others } = answer.headers;
  return { ...answer, headers: { ...others, ...headers } };
};

/** A file that is there cannot be proven, all else can. */
const filesUnproven = (object: ZooObject): Truth =>
  object.copy === 'absent' || object.isDirectory ? object.copy : 'unproven';

/** As a front that compresses whatever passes through it, be it asked to or not. */
const compressed = (answer: WebAnswer): WebAnswer =>
  isOk(answer)
    ? withHeaders(answer, {
        'Content-Encoding': 'gzip',
        'Content-Length': 20 + Math.floor(Number(answer.headers['Content-Length']) / 2),
      })
    : answer;
const isKeptCompressed = (path: string) => /\.(gz|tgz|bz2|xz|zst)$/.test(path);

/** What is there nobody gets. */
const onlyAbsent = ({ copy }: ZooObject): Truth => (copy === 'absent' ? 'absent' : 'unproven');

function redirectInCircle({ target, port }: ZooRequest): WebAnswer {
  const turns = /^\/turn\d\//.test(target) ? target.slice(7) : target;
  return page(302, '', { Location: `http://127.0.0.1:${port}/turn${target.charCodeAt(5) % 2}/${turns}` });
}

/** A server that decodes the path twice: `%252F` becomes a slash. */
function decodedTwice({ target, zoo }: ZooRequest): WebAnswer {
  const once = target.slice(1).replace(/%25/g, '%');
  if (/%(?![0-9a-f]{2})/i.test(once)) return page(400, '<h1>Bad request</h1>');
  const name = once.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (name.includes('%00') || name.includes('\0')) return page(400, '');
  return answerByName(zoo, { path: name.replace(/\/$/, ''), hasSlash: name.endsWith('/') || name === '' }, false);
}

function decodedTwiceTruth({ path, copy }: ZooObject): Truth {
  const percentSigns = path.split('%25').slice(1);
  if (percentSigns.length === 0) return copy;
  return percentSigns.every((after) => /^[0-9a-f]{2}/i.test(after)) ? 'absent' : 'unproven';
}

/** Every three hundredth request is too much for it. */
const busyNowAndThen = changed((answer, { asked }) =>
  asked % 300 === 0 ? page(503, '', { 'Retry-After': 1 }) : answer,
);

function afterMany(count: number, then: (answer: WebAnswer) => WebAnswer): Act {
  return changed((answer, { asked }) => (asked > count ? then(answer) : answer));
}

/** Two answers at a time, the second first. */
function swapped(): Act {
  const waiting = new WeakMap<Socket, string>();
  return (socket, { wire }) => {
    const first = waiting.get(socket);
    if (first !== undefined) {
      waiting.delete(socket);
      say(socket, wire + first);
      return;
    }
    waiting.set(socket, wire);
    // A request that nothing follows is answered all the same.
    setTimeout(() => {
      if (waiting.get(socket) === wire && waiting.delete(socket)) say(socket, wire);
    }, 20);
  };
}

/** What servers answer, by status and headers. */
export const WEB_ANSWERS: readonly Behaviour[] = [
  {
    name: 'answers in chunks and tells no length',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer) => (isOk(answer) ? withoutLength(answer, { 'Transfer-Encoding': 'chunked' }) : answer)),
    ),
    truth: asCopied,
    demand: {
      state: 'failing',
      proven: (object) => object.isDirectory || object.copy === 'absent',
      reason: /^tells no length \(Content-Length\)$/,
    },
  },
  {
    name: 'answers 405 to HEAD and 200 to GET',
    protocol: PROTOCOL,
    start: scripted(changed((answer, { method }) => (method === 'HEAD' ? page(405, '') : answer))),
    truth: asCopied,
    demand: downBecause(/^does not take HEAD: answers 405 \(method not allowed\)$/),
  },
  {
    name: 'tells HEAD a length of 0 and GET the right one',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer, { method }) =>
        method === 'HEAD' && isOk(answer) ? withHeaders(answer, { 'Content-Length': 0 }) : answer,
      ),
    ),
    truth: asCopied,
    demand: { state: 'failing', proven: none, reason: DISAGREE },
  },
  {
    name: 'answers 404 to HEAD and 200 to GET',
    protocol: PROTOCOL,
    start: scripted(changed((answer, { method }) => (method === 'HEAD' ? NOT_FOUND : answer))),
    truth: asCopied,
    demand: { state: 'failing', proven: none, reason: DISAGREE },
  },
  {
    name: 'answers 200 with the right length to HEAD and 404 to GET',
    protocol: PROTOCOL,
    start: scripted(changed((answer, { method }) => (method === 'HEAD' ? answer : NOT_FOUND))),
    truth: () => 'absent',
    demand: downBecause(DISAGREE),
  },
  {
    name: 'answers HEAD rightly and redirects GET to a login page',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer, { method }) =>
        method === 'HEAD' ? answer : page(302, '', { Location: 'https://login.example.org/' }),
      ),
    ),
    truth: onlyAbsent,
    demand: downBecause(/^HEAD and GET disagree: .*, GET 302 \(found\)$/),
  },
  {
    name: 'answers HEAD rightly and tells GET a length of 5',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer, { method }) =>
        method === 'GET' && isOk(answer) ? withHeaders(answer, { 'Content-Length': 5 }) : answer,
      ),
    ),
    truth: onlyAbsent,
    demand: downBecause(/^HEAD and GET disagree: .*, GET 200 with 5 bytes$/),
  },
  {
    name: 'compresses what it sends without being asked, and tells the length of that',
    protocol: PROTOCOL,
    start: scripted(changed(compressed)),
    truth: filesUnproven,
    demand: {
      state: 'failing',
      proven: all,
      reason: /^answers compressed without being asked \(Content-Encoding\), so that no size is told$/,
    },
  },
  {
    name: 'compresses what it sends without being asked, in chunks',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer) =>
        isOk(answer) ? withoutLength(answer, { 'Content-Encoding': 'br', 'Transfer-Encoding': 'chunked' }) : answer,
      ),
    ),
    truth: filesUnproven,
    demand: { state: 'failing', proven: all, reason: /^answers compressed without being asked/ },
  },
  {
    name: 'tells HEAD alone the length of what it would compress',
    protocol: PROTOCOL,
    start: scripted(changed((answer, { method }) => (method === 'HEAD' ? compressed(answer) : answer))),
    truth: asCopied,
    demand: {
      state: 'failing',
      proven: (object) => object.isDirectory || object.copy === 'absent',
      reason: /^answers compressed without being asked/,
    },
  },
  {
    name: 'answers HEAD rightly and compresses what it sends to GET',
    protocol: PROTOCOL,
    start: scripted(changed((answer, { method }) => (method === 'GET' ? compressed(answer) : answer))),
    truth: onlyAbsent,
    demand: downBecause(/^HEAD and GET disagree: .*, GET 200 with [\d,]+ bytes, compressed without being asked$/),
  },
  {
    name: 'answers HEAD rightly and compresses what it sends to GET, in chunks',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer, { method }) =>
        method === 'GET' && isOk(answer)
          ? withoutLength(answer, { 'Content-Encoding': 'gzip', 'Transfer-Encoding': 'chunked' })
          : answer,
      ),
    ),
    truth: onlyAbsent,
    demand: downBecause(/^HEAD and GET disagree: .*, GET 200 \(ok\), compressed without being asked$/),
  },
  {
    name: 'names the format of files that it keeps compressed, as Apache does with AddEncoding',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer, { target }) =>
        isOk(answer) && isKeptCompressed(target) ? withHeaders(answer, { 'Content-Encoding': 'x-gzip' }) : answer,
      ),
    ),
    truth: asCopied,
    demand: {
      state: 'any',
      // A longer one may be a right one that was compressed once more.
      proven: ({ path, copy }) => copy !== 'different' || !isKeptCompressed(path),
      reason: /^answers compressed without being asked/,
    },
  },
  {
    name: 'answers 200 to whatever it is asked',
    protocol: PROTOCOL,
    start: scripted(always(page(200, '<h1>Welcome to our captive portal</h1>'))),
    truth: unproven,
    demand: downBecause(/^answers 200 to names that don't exist$/),
  },
  {
    name: 'begins to answer 200 to whatever it is asked midway',
    protocol: PROTOCOL,
    start: scripted(afterMany(400, (answer) => (isOk(answer) ? answer : page(200, '<h1>Sorry</h1>')))),
    truth: asCopied,
    demand: downBecause(/^answers 200 to names that don't exist$/),
  },
  {
    name: 'redirects in a circle',
    protocol: PROTOCOL,
    start: scripted((socket, request) => say(socket, onWire(redirectInCircle(request), request.method))),
    truth: unproven,
    demand: downBecause(/^redirects \(302\) to "http:\/\/127\.0\.0\.1:\d+"/),
  },
  {
    name: 'redirects to a place with escape sequences and a formula in it',
    protocol: PROTOCOL,
    start: scripted(always(page(302, '', { Location: `http://${FORMULA}${ESCAPES}.example.org/<script>` }))),
    truth: unproven,
    demand: downBecause(/^(redirects|its answer is not HTTP)/),
  },
  {
    name: 'has escape sequences, markup and a formula in its status line',
    protocol: PROTOCOL,
    start: scripted((socket) =>
      say(socket, `HTTP/1.1 500 ${FORMULA}<script>alert(1)</script>${ESCAPES}\r\nContent-Length: 0\r\n\r\n`),
    ),
    truth: unproven,
    demand: downBecause(/^(answers 500|its answer is not HTTP)/),
  },
  {
    name: 'answers 429 with Retry-After to everything after a hundred requests',
    protocol: PROTOCOL,
    start: scripted(afterMany(100, () => page(429, '', { 'Retry-After': 300 }))),
    truth: asCopied,
    demand: {
      state: 'failing',
      proven: none,
      reason: /^answers 429 \(too many requests\) and is waited for: too slow, not done within 18 s$/,
    },
    // What it is waited for in all is bounded by the time-out.
    timeoutMs: 50,
  },
  {
    name: 'asks to be left alone for an hour after a hundred requests',
    protocol: PROTOCOL,
    start: scripted(afterMany(100, () => page(429, '', { 'Retry-After': 3600 }))),
    truth: asCopied,
    demand: { state: 'any', proven: none },
    isLeftAlone: true,
  },
  {
    name: 'answers 503 with Retry-After now and then',
    protocol: PROTOCOL,
    start: scripted(busyNowAndThen),
    truth: asCopied,
    demand: ALL_PROVEN,
  },
  {
    name: 'answers 403 to what it does not have, like some stores',
    protocol: PROTOCOL,
    start: scripted(changed((answer) => (isOk(answer) ? answer : page(403, '')))),
    truth: asCopied,
    demand: { state: 'failing', proven: (object) => object.copy !== 'absent', reason: /^answers 403/ },
  },
  {
    name: 'answers 206, 203 and 204 in place of 200',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer, { asked }) =>
        isOk(answer) ? { ...answer, status: [206, 203, 204][asked % 3] as number } : answer,
      ),
    ),
    truth: asCopied,
    demand: { state: 'failing', proven: (object) => object.copy === 'absent', reason: /^answers 20[346]/ },
  },
  {
    name: 'tells two lengths that contradict each other',
    protocol: PROTOCOL,
    start: scripted((socket, { wire }) =>
      say(socket, wire.replace('Content-Length:', 'Content-Length: 1\r\nContent-Length:')),
    ),
    truth: unproven,
    demand: downBecause(/^tells a length \(Content-Length\) that cannot be right$/),
  },
  {
    name: 'tells lengths that are no numbers',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer, { asked }) =>
        isOk(answer)
          ? withoutLength(answer, {
              'X-Length': 1,
              'content-length': ['-1', '1e9', '99999999999999999999', '0x10', ''][asked % 5] as string,
            })
          : answer,
      ),
    ),
    truth: filesUnproven,
    demand: { state: 'any', proven: none },
  },
  {
    name: 'compresses what nobody wants compressed',
    protocol: PROTOCOL,
    start: scripted(
      changed((answer) =>
        isOk(answer)
          ? withHeaders(answer, {
              'Content-Encoding': 'gzip',
              'Content-Length': 20 + Math.floor(Number(answer.headers['Content-Length']) / 3),
            })
          : answer,
      ),
    ),
    truth: (object) => (object.copy === 'present' && !object.isDirectory ? 'different' : object.copy),
    demand: { state: 'any', proven: (object) => object.copy === 'absent' },
  },
  {
    name: 'decodes paths twice',
    protocol: PROTOCOL,
    start: scripted((socket, request) => say(socket, onWire(decodedTwice(request), request.method))),
    truth: decodedTwiceTruth,
    demand: { state: 'any', proven: all },
  },
  {
    name: 'speaks HTTP/1.0',
    protocol: PROTOCOL,
    start: scripted((socket, { wire }) => socket.end(wire.replace('HTTP/1.1', 'HTTP/1.0'), 'latin1')),
    truth: asCopied,
    demand: { state: 'up', proven: all },
    deadlineMs: 180_000,
  },
  {
    // Nothing in an answer tells to which request it belongs; where requests don't wait together, it can't be swapped.
    name: 'swaps the answers to requests that wait together',
    protocol: PROTOCOL,
    start: scripted(swapped()),
    truth: asCopied,
    demand: ALL_PROVEN,
    deadlineMs: 180_000,
  },
  {
    name: 'sends a body after HEAD',
    protocol: PROTOCOL,
    start: scripted((socket, { answer }) => say(socket, onWire(answer, 'GET'))),
    truth: asCopied,
    demand: { state: 'any', proven: none },
    deadlineMs: 240_000,
  },
];
