import { describe, expect, it } from 'vitest';
import { decodeTarget, parseRequest } from './request.ts';

describe('parseRequest', () => {
  it.each([
    ['HEAD /a%2Fb?x=1 HTTP/1.1\r\nHost: x', { method: 'HEAD', target: '/a%2Fb', isLast: false }],
    ['GET http://h:80/a HTTP/1.1\r\nHost: h', { method: 'GET', target: '/a', isLast: false }],
    ['GET / HTTP/1.1\r\nHost: x\r\nConnection: close', { method: 'GET', target: '/', isLast: true }],
    ['GET / HTTP/1.0', { method: 'GET', target: '/', isLast: true }],
    ['GET / HTTP/1.0\r\nConnection: keep-alive', { method: 'GET', target: '/', isLast: false }],
    ['GET / HTTP/1.1\r\nContent-Length: 5', null],
    ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked', null],
    ['GET /a b HTTP/1.1', null],
    ['GET a HTTP/1.1', null],
    ['\x16\x03\x01', null],
  ])('reads %j', (head, request) => expect(parseRequest(head)).toEqual(request));
});

describe('decodeTarget', () => {
  it.each([
    ['/a%252Fb', { path: 'a%2Fb', hasSlash: false }],
    ['/caf%e9%C3%A9/', { path: 'caf\xe9\xc3\xa9', hasSlash: true }],
    ['/a//b/./../c+d', { path: 'a/c+d', hasSlash: false }],
    ['/../../etc/', { path: 'etc', hasSlash: true }],
    ['/a/..', { path: '', hasSlash: true }],
    ['/...', { path: '...', hasSlash: false }],
    ['/', { path: '', hasSlash: true }],
    ['/%', null],
    ['/%4', null],
    ['/%zz', null],
    ['/a%00b', null],
  ])('decodes %j', (target, decoded) => expect(decodeTarget(target)).toEqual(decoded));
});
