import { asCopied, type Behaviour, downBecause, none, onlyAbsent } from '../behaviour.ts';
import { changed, isOk, withHeaders } from '../changed.ts';
import { scripted } from '../scripted-http.ts';
import { NOT_FOUND, page } from '../web-answers.ts';

const PROTOCOL = 'http';
const DISAGREE =
  /^HEAD and GET disagree: for "[^"]+" HEAD is answered (404|200 with [\d,]+ bytes).*, GET (404|200 with)/;

/** What servers answer to HEAD, and otherwise to GET. */
export const WEB_METHODS: readonly Behaviour[] = [
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
];
