import { all, asCopied, type Behaviour, downBecause, filesUnproven, onlyAbsent } from '../behaviour.ts';
import { changed, isOk, withHeaders, withoutLength } from '../changed.ts';
import { scripted } from '../scripted-http.ts';
import type { WebAnswer } from '../web-answers.ts';

const PROTOCOL = 'http';

/** As a front that compresses whatever passes through it, be it asked to or not. */
const compressed = (answer: WebAnswer): WebAnswer =>
  isOk(answer)
    ? withHeaders(answer, {
        'Content-Encoding': 'gzip',
        'Content-Length': 20 + Math.floor(Number(answer.headers['Content-Length']) / 2),
      })
    : answer;
const isKeptCompressed = (path: string) => /\.(gz|tgz|bz2|xz|zst)$/.test(path);

/** What servers compress that nobody wants compressed. */
export const WEB_COMPRESSION: readonly Behaviour[] = [
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
];
