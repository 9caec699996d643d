import type { Socket } from 'node:net';
import { freePort } from '../../../demo/free-port.ts';
import { startSshd } from '../../servers/sshd.ts';
import { ALL_PROVEN, all, asCopied, type Behaviour, downBecause, none, unproven } from '../behaviour.ts';
import { type Act, say, sayForEver, saySlowly, scripted } from '../scripted-http.ts';

const PROTOCOL = 'http';
const HASTY_MS = 1000;
const MEGABYTE = 2 ** 20;
const GARBAGE = Buffer.from('\0\x1b[31mnonsense\r\n\r\n\xff\xfe'.repeat(20), 'latin1');

const silent: Act = () => {};
const good: Act = (socket, { wire }) => say(socket, wire);

/** Answers so many requests of a connection and ends it in some way, without a word of it in the last answer. */
function endsAfter(count: number, end: (socket: Socket) => void): Act {
  return (socket, { wire, nth }) => {
    if (nth > count) return;
    say(socket, wire);
    if (nth === count) end(socket);
  };
}

/** Answers so many requests over all connections, and then none. */
function stallsAfter(count: number): Act {
  return (socket, { wire, asked }) => {
    if (asked <= count) say(socket, wire);
  };
}

async function nobodyThere() {
  return { url: `http://127.0.0.1:${await freePort()}/`, close: async () => {} };
}

/** What becomes of connections. */
export const WEB_CONNECTIONS: readonly Behaviour[] = [
  {
    name: 'ends the connection after each answer without a word',
    protocol: PROTOCOL,
    start: scripted(endsAfter(1, (socket) => socket.end())),
    truth: asCopied,
    demand: ALL_PROVEN,
    deadlineMs: 180_000,
  },
  {
    name: 'ends the connection after three answers without a word',
    protocol: PROTOCOL,
    start: scripted(endsAfter(3, (socket) => socket.end())),
    truth: asCopied,
    demand: ALL_PROVEN,
    deadlineMs: 180_000,
  },
  {
    name: 'resets the connection after fifty answers',
    protocol: PROTOCOL,
    // Not at once, or the answers would be lost with it.
    start: scripted(endsAfter(50, (socket) => setTimeout(() => socket.resetAndDestroy(), 10))),
    truth: asCopied,
    demand: ALL_PROVEN,
    deadlineMs: 180_000,
  },
  {
    name: 'resets every connection at once',
    protocol: PROTOCOL,
    start: scripted(silent, { onConnect: (socket) => socket.resetAndDestroy() }),
    truth: unproven,
    demand: downBecause(/^(connection reset|closes the connection)/),
  },
  {
    name: 'ends every answer in the middle of its length',
    protocol: PROTOCOL,
    start: scripted((socket, { wire }) => socket.end(wire.replace(/(Content-Length: \d).*/s, '$1'), 'latin1')),
    truth: unproven,
    demand: downBecause(/^(closes the connection|connection reset)/),
  },
  {
    name: 'is not there',
    protocol: PROTOCOL,
    start: nobodyThere,
    truth: unproven,
    demand: downBecause(/^connection refused$/),
  },
  {
    name: 'has a name that is not in the DNS',
    protocol: PROTOCOL,
    start: async () => ({ url: 'http://no-such-mirror.invalid/gentoo/', close: async () => {} }),
    truth: unproven,
    demand: downBecause(/^the name (does not resolve|cannot be resolved)|^no connection within/),
  },
  {
    name: 'never answers',
    protocol: PROTOCOL,
    start: scripted(silent),
    truth: unproven,
    demand: downBecause(/^no answer within 1 s$/),
    timeoutMs: HASTY_MS,
  },
  {
    name: 'falls silent after four hundred answers',
    protocol: PROTOCOL,
    start: scripted(stallsAfter(400)),
    truth: asCopied,
    demand: { state: 'failing', proven: none, reason: /^no answer within 1 s$/ },
    timeoutMs: HASTY_MS,
  },
  {
    name: 'sends its headers a letter at a time',
    protocol: PROTOCOL,
    start: scripted(
      (socket, { wire, nth }) =>
        nth === 1 && saySlowly(socket, wire.replace('\r\n', `\r\nX-Slow: ${'a'.repeat(8000)}\r\n`), 1, 150),
    ),
    truth: unproven,
    demand: downBecause(/^no answer within 1 s|too slow/),
    timeoutMs: HASTY_MS,
  },
  {
    name: 'takes its time for each answer',
    protocol: PROTOCOL,
    start: scripted((socket, { wire }) => setTimeout(() => say(socket, wire), 300)),
    truth: asCopied,
    demand: { state: 'up', proven: all },
    deadlineMs: 180_000,
  },
  {
    name: 'sends a header of a megabyte',
    protocol: PROTOCOL,
    start: scripted((socket, { wire }) =>
      say(socket, wire.replace('\r\n', `\r\nX-Large: ${'a'.repeat(MEGABYTE)}\r\n`)),
    ),
    truth: unproven,
    demand: downBecause(/^sends headers without end$/),
    isGreedy: true,
  },
  {
    name: 'sends headers without end',
    protocol: PROTOCOL,
    start: scripted((socket, { nth }) => {
      if (nth > 1) return;
      say(socket, 'HTTP/1.1 200 OK\r\n');
      sayForEver(socket, Buffer.from('X-More: and more\r\n'.repeat(3000)));
    }),
    truth: unproven,
    demand: downBecause(/^(sends headers without end|closes the connection|connection reset)/),
    isGreedy: true,
  },
  {
    name: 'sends interim answers without end',
    protocol: PROTOCOL,
    start: scripted(
      (socket, { nth }) => nth === 1 && sayForEver(socket, Buffer.from('HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000))),
    ),
    truth: unproven,
    demand: downBecause(/^sends interim answers without end$/),
    isGreedy: true,
  },
  {
    name: 'sends a body without end after HEAD',
    protocol: PROTOCOL,
    start: scripted((socket, { wire, nth }) => {
      if (nth > 1) return;
      say(socket, wire);
      sayForEver(socket, Buffer.alloc(MEGABYTE, 'x'));
    }),
    truth: asCopied,
    demand: { state: 'any', proven: none },
    isGreedy: true,
    deadlineMs: 240_000,
  },
  {
    name: 'speaks no HTTP',
    protocol: PROTOCOL,
    start: scripted(silent, { onConnect: (socket) => socket.write(GARBAGE) }),
    truth: unproven,
    demand: downBecause(/^its answer is not HTTP|closes the connection|connection reset/),
  },
  {
    name: 'answers before it is asked',
    protocol: PROTOCOL,
    start: scripted(good, { onConnect: (socket) => say(socket, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') }),
    truth: asCopied,
    demand: { state: 'any', proven: none },
    deadlineMs: 180_000,
  },
  {
    name: 'is an SSH server',
    protocol: PROTOCOL,
    programs: ['sshd'],
    start: async () => {
      const { port, close } = await startSshd();
      return { url: `http://127.0.0.1:${port}/`, close };
    },
    truth: unproven,
    demand: downBecause(/^(its answer is not HTTP|closes the connection|connection reset)/),
  },
];
