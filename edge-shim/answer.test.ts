import { describe, expect, it } from 'vitest';
import { answerOf } from './answer.ts';
import type { Candidate } from './candidates.ts';
import type { Decision } from './decide.ts';
import type { EdgeRequest, Form } from './request.ts';

const FALLBACK = 'http://fallback.example.org/';
const path = 'distfiles/ab/foo%2B1%2F%26.tar.xz';

const request = (form: Form, https = true): EdgeRequest => ({
  method: 'GET',
  form,
  path,
  bucketHash: 0,
  pathHash: 0,
  slot: 0,
  country: 'DE',
  isElsewhere: false,
  subdivision: '',
  https,
  ipv6: false,
  network: '192.0.2.',
  networkHash: 0,
  shardHash: 0,
});

const candidate = (accessPoint: number, root: string, whyNot = ''): Candidate => ({
  accessPoint,
  tier: accessPoint > 2 ? 2 : 0,
  weight: 1,
  ipv6: false,
  root,
  isAlias: false,
  whyNot,
});

const found = (roots: readonly string[]): Decision => ({
  kind: 'redirect',
  holders: roots.map((root, i) => candidate(i, root)),
  leftOut: [candidate(8, 'down.example.org/', 'down'), candidate(9, 'lacks.example.org/', 'does not hold it')],
  https: true,
  path,
  aliasPath: '',
  region: 'DE',
  reason: 'near',
  builtAtS: 1_700_000_000,
  stale: false,
});

const few = found([
  'a.example.org/gentoo/',
  "b.example.org:8080/it's&more/",
  'c.example.org/',
  'd.example.org/',
  'e.example.org/',
]);

describe('a redirect', () => {
  it('names up to three other holders, in order', () => {
    const { status, headers, body } = answerOf(few, request('redirect'), FALLBACK);
    expect(status).toBe(302);
    expect(body).toBe('');
    expect(headers['location']).toBe(`https://a.example.org/gentoo/${path}`);
    expect(headers['link']).toBe(
      [
        `<https://b.example.org:8080/it's&more/${path}>; rel=duplicate; pri=2`,
        `<https://c.example.org/${path}>; rel=duplicate; pri=3`,
        `<https://d.example.org/${path}>; rel=duplicate; pri=4`,
      ].join(', '),
    );
    expect(headers['x-redirector']).toBe('region=DE tier=0 ap=0 reason=near');
    expect(headers['cache-control']).toBe('private, no-store');
  });

  it('names no more of them than fit into 300 bytes, and nobody where there is no other', () => {
    const long = found(['a/', `${'b'.repeat(150)}/`, `${'c'.repeat(150)}/`]);
    const { link } = answerOf(long, request('redirect'), FALLBACK).headers;
    expect(link?.length).toBeLessThanOrEqual(300);
    expect(link).not.toContain('ccc');
    expect(answerOf(found(['a/']), request('redirect'), FALLBACK).headers).not.toHaveProperty('link');
  });

  it('goes to the fallback over https where nothing is known of the viewer', () => {
    const { headers } = answerOf({ kind: 'need', key: '' }, null, FALLBACK);
    expect(headers).toMatchObject({ location: 'https://fallback.example.org/', 'x-redirector': 'fallback: error' });
  });

  it('says that the map is stale', () => {
    const stale = { ...few, stale: true } as Decision;
    expect(answerOf(stale, request('redirect'), FALLBACK).headers['x-redirector']).toMatch(/ stale-map$/);
  });
});

describe('a list', () => {
  it('as text: a URL a line, in order, with the reason and the excluded as remarks', () => {
    const { status, headers, body } = answerOf({ ...few, https: false } as Decision, request('text', false), FALLBACK);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(headers).not.toHaveProperty('location');
    expect(body.split('\n')).toEqual([
      '# region=DE tier=0 ap=0 reason=near',
      `http://a.example.org/gentoo/${path}`,
      `http://b.example.org:8080/it's&more/${path}`,
      `http://c.example.org/${path}`,
      `http://d.example.org/${path}`,
      `http://e.example.org/${path}`,
      '# down.example.org/: down',
      '# lacks.example.org/: does not hold it',
      '',
    ]);
  });

  it('as JSON', () => {
    const { headers, body } = answerOf(few, request('json'), FALLBACK);
    expect(headers['content-type']).toBe('application/json');
    const list = JSON.parse(body);
    expect(list).toMatchObject({ reason: 'region=DE tier=0 ap=0 reason=near', builtAtS: 1_700_000_000 });
    expect(list.candidates).toHaveLength(5);
    expect(list.candidates[3]).toEqual({ url: `https://d.example.org/${path}`, accessPoint: 3, tier: 2, weight: 1 });
    expect(list.excluded[1]).toEqual({ url: 'lacks.example.org/', accessPoint: 9, reason: 'does not hold it' });
  });

  it('as a metalink, with a name that can lead a client nowhere', () => {
    const { headers, body } = answerOf(few, request('meta4'), FALLBACK);
    expect(headers['content-type']).toBe('application/metalink4+xml');
    expect(body).toContain('<metalink xmlns="urn:ietf:params:xml:ns:metalink">\n<file name="foo%2B1%2F%26.tar.xz">');
    expect(body).toContain(`<url priority="2">https://b.example.org:8080/it's&amp;more/${path}</url>`);
    const plain = { ...request('meta4'), path: 'distfiles/gtk%2B3%2C%40x.tar.xz' };
    expect(answerOf(few, plain, FALLBACK).body).toContain('<file name="gtk+3,@x.tar.xz">');
    expect(answerOf(few, { ...plain, path: 'distfiles/' }, FALLBACK).body).toContain('<file name="distfiles">');
  });

  it('is the fallback alone for an object that nobody holds', () => {
    const nobody: Decision = {
      kind: 'fallback',
      leftOut: [],
      stale: false,
      location: `https://fallback.example.org/${path}`,
      reason: 'unknown object',
    };
    expect(answerOf(nobody, request('text'), FALLBACK).body).toBe(
      `# fallback: unknown object\nhttps://fallback.example.org/${path}\n`,
    );
    expect(JSON.parse(answerOf(nobody, request('json'), FALLBACK).body)).toEqual({
      reason: 'fallback: unknown object',
      builtAtS: null,
      candidates: [{ url: `https://fallback.example.org/${path}` }],
      excluded: [],
    });
    expect(answerOf(nobody, request('meta4'), FALLBACK).body.match(/<url/g)).toHaveLength(1);
  });

  it('is refused for other methods than GET and HEAD', () => {
    const refused: Decision = { kind: 'reject', status: 405, reason: 'only GET and HEAD' };
    expect(answerOf(refused, request('json'), FALLBACK)).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
      body: '',
    });
  });
});
