import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProbeRecord } from '../../core/liveness.ts';
import { LAYOUT_PATH, STAMP_PATH } from '../../core/master-files.ts';
import { PORTAGE_USER_AGENT } from '../net/user-agent.ts';
import {
  type Answer,
  KNOWN_BYTES,
  KNOWN_PATH,
  LAYOUT,
  NO_ANSWER,
  reply,
  STAMP_S,
  startMirror,
  type TestMirror,
  TestOutput,
  type TestPoint,
  TIMEOUTS_MS,
  testNetwork,
  told,
} from './testing/mirror.ts';

const known = `/${KNOWN_PATH}`;
const at = (url: string, act: Answer): Answer => {
  return (request, response) => (request.url === url ? act(request, response) : false);
};
const impossible = (act: Answer): Answer => {
  return (request, response) => (request.url?.includes('no-such-file') === true ? act(request, response) : false);
};
const all =
  (status: number): Answer =>
  (_, response) =>
    reply(response, status, 0);
const redirect =
  (status: number, location: string): Answer =>
  (_, response) =>
    reply(response, status, 3, { location });
const text = (bytes: Buffer | string, status = 200): Answer => {
  return (_, response) => reply(response, status, Buffer.from(bytes));
};
/** `/1` leads to `/2` and so on; `/<last>` is the known object. */
const hops = (last: number): Answer => {
  return ({ url }, response) => {
    const hop = url === known ? 0 : Number(/^\/(\d+)$/.exec(url as string)?.[1] ?? -1);
    if (hop < 0) return false;
    return hop === last ? reply(response, 200, KNOWN_BYTES) : redirect(302, `/${hop + 1}`)({} as never, response);
  };
};
const ownAgentRefused: Answer = ({ headers }, response) =>
  headers['user-agent'] === PORTAGE_USER_AGENT ? false : reply(response, 403, 0);

const stamp = `/${STAMP_PATH}`;
const layout = `/${LAYOUT_PATH}`;
const getOf = (url: string, act: Answer): Answer =>
  at(url, (request, response) => (request.method === 'GET' ? act(request, response) : false));
const disagrees = (path: string, toGet: string) =>
  `down: HEAD and GET disagree: for "${path}" HEAD is answered 200, GET ${toGet}`;
const STALE_S = STAMP_S - 31 * 3600;

/** Mirrors by what they do, and what is told of each. */
const ROWS: readonly (readonly [name: string, answer: Answer, told: string | RegExp, partial?: true])[] = [
  ['is as it should be', () => false, 'up'],
  [
    'answers 200 to everything',
    (_, response) => reply(response, 200, 5),
    `down: "${KNOWN_PATH}" has 5 bytes there, 20,000 on the master`,
  ],
  ['has a soft 404', impossible(text('not found, sorry')), "down: answers 200 to names that don't exist"],
  [
    'redirects the unknown to a log-in page',
    impossible(({ url }, response) =>
      url?.endsWith('login') ? reply(response, 200, 9) : redirect(302, '/no-such-file-login')({} as never, response),
    ),
    /^down: answers 200 to names that don't exist \(redirected to "http:\/\/127\.0\.0\.1:\d+"\)$/,
  ],
  ['answers 403 for the unknown', impossible(all(403)), 'up'],
  [
    'answers 500 for the unknown',
    impossible(all(500)),
    "down: answers 500 (internal server error) for names that don't exist",
  ],
  ['answers 410 for the unknown', impossible(all(410)), 'up'],
  ['is behind', at(stamp, text(`${STALE_S}\n`)), 'down: stamp is 31 h behind the master'],
  ['is behind within bounds', at(stamp, text(`${STAMP_S - 29 * 3600}\n`)), 'up'],
  ['has a stamp without a line end', at(stamp, text(`${STAMP_S}`)), 'up'],
  ['has a stamp of the future', at(stamp, text(`${STAMP_S + 5 * 3600}`)), 'up | stamp lies 4 h in the future'],
  [
    'has a stamp that is no text',
    at(stamp, text(Buffer.of(0xff, 0x00, 0x1b, 0x5b))),
    'down: its stamp is no time: "ÿ\\u0000\\u001b["',
  ],
  ['has a stamp of words', at(stamp, text('<html>')), 'down: its stamp is no time: "<html>"'],
  ['has a stamp that is empty', at(stamp, text('')), 'down: its stamp is no time: ""'],
  ['has no stamp', at(stamp, all(404)), `up | has no ${STAMP_PATH}: how old its tree is cannot be told`],
  ['has no stamp and is partial', at(stamp, all(404)), 'up', true],
  ['fails for the stamp', at(stamp, all(503)), `down: answers 503 (service unavailable) for ${STAMP_PATH}`],
  [
    'has another layout',
    at(layout, text('[structure]\n0=flat\n')),
    `down: its ${LAYOUT_PATH} differs from the master's`,
  ],
  ['has a longer layout', at(layout, text(`${LAYOUT}1=flat\n`)), `down: its ${LAYOUT_PATH} differs from the master's`],
  ['has no layout', at(layout, all(404)), `up | has no ${LAYOUT_PATH}`],
  [
    'has the layout before the last change',
    ({ url }, response) => {
      if (url === stamp) return reply(response, 200, Buffer.from(`${STAMP_S - 2000}`));
      return url === layout ? reply(response, 200, Buffer.from('[structure]\n0=flat\n')) : false;
    },
    `up | its ${LAYOUT_PATH} is the one before the master's last change`,
  ],
  ['has lost the object', at(known, all(404)), `down: has no "${KNOWN_PATH}"`],
  [
    'has the object in another size',
    at(known, text('short')),
    `down: "${KNOWN_PATH}" has 5 bytes there, 20,000 on the master`,
  ],
  [
    'tells no length',
    at(known, (_, response) => {
      response.writeHead(200);
      response.end();
      return true;
    }),
    `down: tells no length of "${KNOWN_PATH}"`,
  ],
  [
    'tells no length to HEAD',
    at(known, ({ method }, response) => {
      if (method === 'HEAD') response.writeHead(200).end();
      return method === 'HEAD';
    }),
    'up',
  ],
  [
    'compresses the object without being asked',
    at(known, (_, response) => reply(response, 200, 9000, { 'content-encoding': 'gzip' })),
    `down: answers compressed without being asked (Content-Encoding) for "${KNOWN_PATH}"`,
  ],
  [
    'names the format of an object that is kept compressed',
    at(known, (_, response) => reply(response, 200, KNOWN_BYTES, { 'content-encoding': 'x-xz' })),
    'up',
  ],
  [
    'compresses the stamp without being asked',
    at(stamp, (_, response) => reply(response, 200, gzipSync(`${STAMP_S}`), { 'content-encoding': 'gzip' })),
    `down: answers compressed without being asked (Content-Encoding) for ${STAMP_PATH}`,
  ],
  [
    'compresses the layout without being asked',
    at(layout, (_, response) => reply(response, 200, gzipSync(LAYOUT), { 'content-encoding': 'gzip' })),
    `down: answers compressed without being asked (Content-Encoding) for ${LAYOUT_PATH}`,
  ],
  ['refuses HEAD', ({ method }, response) => (method === 'HEAD' ? reply(response, 405, 0) : false), 'up'],
  [
    'answers 404 to GET alone',
    ({ method }, response) => (method === 'GET' ? reply(response, 404, 0) : false),
    `down: HEAD and GET disagree: for "${STAMP_PATH}" HEAD is answered 200, GET 404 (not found)`,
  ],
  ['denies GET the layout alone', getOf(layout, all(404)), disagrees(LAYOUT_PATH, '404 (not found)')],
  ['denies GET the object alone', getOf(known, all(404)), disagrees(KNOWN_PATH, '404 (not found)')],
  ['is too busy for GET of the object', getOf(known, all(503)), disagrees(KNOWN_PATH, '503 (service unavailable)')],
  ['gives GET another object', getOf(known, text('sorry')), disagrees(KNOWN_PATH, '200 with 5 bytes')],
  [
    'sends the object in chunks to GET',
    getOf(known, (_, response) => {
      response.writeHead(200).write('x');
      response.end('y');
      return true;
    }),
    'up',
  ],
  ['refuses our User-Agent', ownAgentRefused, 'up | refuses our User-Agent (403), but not that of Portage'],
  ['refuses everybody', all(403), `down: answers 403 (forbidden) for "${KNOWN_PATH}"`],
  ['is busy', all(503), `down: answers 503 (service unavailable) for "${KNOWN_PATH}"`],
  ['redirects five times', hops(5), 'up'],
  ['redirects six times', hops(6), 'down: redirects more than 5 times'],
  ['redirects in a circle', at(known, redirect(302, known)), 'down: redirects in a circle'],
  [
    'redirects to a log-in page',
    (request, response) =>
      at(known, redirect(302, '/login'))(request, response) || at('/login', text('log in'))(request, response),
    new RegExp(
      `^down: "${KNOWN_PATH}" has 6 bytes there, 20,000 on the master \\(redirected to "http://127.0.0.1:\\d+"\\)$`,
    ),
  ],
  ['redirects to no URL', at(known, redirect(302, 'http://[')), 'down: redirects to no URL: "http://["'],
  ['redirects without a place', at(known, all(302)), `down: redirects (302) for "${KNOWN_PATH}"`],
  [
    'redirects to a file',
    at(known, redirect(302, 'file:///etc/passwd')),
    'down: redirects to another protocol: "file:"',
  ],
  [
    'redirects to the metadata of a cloud',
    at(known, redirect(302, 'http://169.254.169.254/latest/meta-data/')),
    'down: redirects to "http://169.254.169.254": leads to 169.254.169.254, a reserved address',
  ],
  [
    'redirects to a mapped private address',
    at(known, redirect(302, 'http://[::ffff:10.0.0.1]/')),
    'down: redirects to "http://[::ffff:a00:1]": ::ffff:a00:1 has no IPv4 address',
  ],
  [
    'redirects to a name for a private address',
    at(known, redirect(302, 'http://inner.example/')),
    'down: redirects to "http://inner.example": its name resolves to 10.0.0.5, a private address',
  ],
  [
    'redirects to a name for any address of this machine',
    at(known, redirect(302, 'http://zero.example/')),
    'down: redirects to "http://zero.example": its name resolves to 0.0.0.0, a reserved address',
  ],
  [
    'sends headers without end',
    (_, response) => reply(response, 200, 0, { 'x-long': 'x'.repeat(20_000) }),
    'down: sends headers without end',
  ],
  ['never answers', () => true, NO_ANSWER],
  [
    'sends its body byte by byte',
    at(stamp, (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('1'), 50);
      response.on('close', () => clearInterval(timer));
      return true;
    }),
    // A busy machine may not even come to the stamp.
    /^down: (too slow: not done within 1\.4|no answer within 1(\.4)?) s$/,
  ],
  [
    'sends a body without end',
    at(stamp, (_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(10_000, '1')));
      };
      response.on('drain', more);
      more();
      return true;
    }),
    `down: its stamp is no time: "${'1'.repeat(40)}…"`,
  ],
];

const SILENT: readonly string[] = ['never answers', 'sends its body byte by byte'];

describe('what is told of a mirror that', () => {
  const mirrors: TestMirror[] = [];
  const outputs: TestOutput[] = [];
  const records = new Map<string, ProbeRecord>();

  beforeAll(async () => {
    const points = { answering: [] as TestPoint[], silent: [] as TestPoint[] };
    for (const [name, act, , partial] of ROWS) {
      const mirror = await startMirror(act);
      mirrors.push(mirror);
      const kind = SILENT.includes(name) ? 'silent' : 'answering';
      points[kind].push({ name, url: mirror.url, partial: partial === true });
    }
    const network = testNetwork({ 'inner.example': ['10.0.0.5'], 'zero.example': ['0.0.0.0'] });
    for (const kind of ['answering', 'silent'] as const) {
      const output = new TestOutput(points[kind]);
      outputs.push(output);
      for (const record of (await output.probe({ network, timeoutMs: TIMEOUTS_MS[kind] })).accessPoints) {
        records.set(record.accessPointId.replace(/\.test$/, ''), record);
      }
    }
  });
  afterAll(async () => {
    for (const output of outputs) output.close();
    for (const mirror of mirrors) await mirror.close();
  });

  it.each(ROWS.map(([name, , expected]) => [name, expected] as const))('%s', (name, expected) => {
    const record = records.get(name) as ProbeRecord;
    if (typeof expected === 'string') expect(told(record)).toBe(expected);
    else expect(told(record)).toMatch(expected);
    expect(record.ipv4Up).toBe(record.liveness.state === 'up');
    expect(record.ipv6Up).toBe(null);
  });

  it('is as it should be gets six requests on one connection, with our name on each', () => {
    const record = records.get('is as it should be') as ProbeRecord;
    expect(record.cost).toMatchObject({ requests: 6, connections: 1 });
    expect(record).toMatchObject({ stampLagS: 0, finalHost: `127.0.0.1:${mirrors[0]?.port}` });
    expect(mirrors[0]?.requests).toHaveLength(6);
    expect(mirrors[0]?.requests.every((line) => line.endsWith(' redirector-test/1'))).toBe(true);
  });

  it('was up and is down: since the second try, with what it had told before', () => {
    const record = records.get('is behind') as ProbeRecord;
    expect(record.stampLagS).toBe(31 * 3600);
    expect(record.history).toEqual([
      { state: 'down', atS: record.liveness.sinceS, reason: 'stamp is 31 h behind the master' },
    ]);
  });

  it('stays up since its check said so', () => {
    expect(records.get('is as it should be')?.liveness.sinceS).toBe(7);
    expect(records.get('is as it should be')?.history).toEqual([]);
  });
});
