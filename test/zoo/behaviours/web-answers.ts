import type { Socket } from 'node:net';
import {
  ALL_PROVEN,
  all,
  asCopied,
  type Behaviour,
  downBecause,
  filesUnproven,
  none,
  type Truth,
  unproven,
} from '../behaviour.ts';
import { changed, isOk, withoutLength } from '../changed.ts';
import { type Act, say, scripted, type ZooRequest } from '../scripted-http.ts';
import { answerByName, onWire, page, type WebAnswer } from '../web-answers.ts';
import type { ZooObject } from '../zoo-tree.ts';

const PROTOCOL = 'http';
const ESCAPES = '\x1b[31m\x1b]0;owned\x07\x9b2J';
const FORMULA = '=cmd|"/c calc"!A0';

const always = (answer: WebAnswer): Act => changed(() => answer);

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

/** Serves so many requests in so long a time, as a firewall counts them or lighttpd its open files; the others get 403. */
function countsRequests(most: number, windowMs: number): Act {
  const servedAtMs: number[] = [];
  return changed((answer) => {
    const nowMs = performance.now();
    while ((servedAtMs[0] ?? nowMs) < nowMs - windowMs) servedAtMs.shift();
    if (servedAtMs.length >= most) return page(403, '');
    servedAtMs.push(nowMs);
    return answer;
  });
}

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
    name: 'answers 403 to everything when it was asked for much in a short time',
    protocol: PROTOCOL,
    start: scripted(countsRequests(900, 500)),
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
