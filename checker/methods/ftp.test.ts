import { describe, expect, test } from 'vitest';
import { requires } from '../../test/debian-packages.ts';
import { startProftpd } from '../../test/servers/proftpd.ts';
import { startVsftpd } from '../../test/servers/vsftpd.ts';
import { checkerSuite } from '../../test/suites/checker.ts';
import { collect } from '../testing/collect.ts';
import { scriptedFtp } from '../testing/ftp-server.ts';
import { testInventory } from '../testing/inventory.ts';
import { ftp } from './ftp.ts';

/** A line's end within a name makes two lines of a listing's one. */
const CRLF = /\r\n/;

requires('vsftpd')('over vsftpd, which knows LIST alone', () => {
  checkerSuite({ name: 'ftp', method: ftp, serve: startVsftpd, unprovable: CRLF });
});

requires('proftpd')('over ProFTPD, which knows MLSD', () => {
  checkerSuite({
    ...{ name: 'ftp', method: ftp, unprovable: CRLF },
    serve: (folder) => startProftpd(folder),
  });
});

const INVENTORY = testInventory([{ path: '' }, { path: 'a', sizeBytes: 5 }]);
const SELF = 'type=cdir; .\r\n';

describe('the command that lists', () => {
  const unix = (text: string) => text.replaceAll('\n', '\r\n');
  const a = unix('drwxr-xr-x 2 0 0 4096 Nov 22 12:18 .\n-rw-r--r-- 1 0 0 5 Nov 22 12:18 there\n');

  test('LIST without -a where that is taken for a name; names with a dot are then not proven absent', async () => {
    const inventory = testInventory([
      { path: 'there', sizeBytes: 5 },
      { path: '.x', sizeBytes: 1 },
      { path: 'x', sizeBytes: 1 },
    ]);
    for (const answer of ['550 -a: no such file', '501 Syntax', '']) {
      const server = await scriptedFtp((talk, command, argument) => {
        if (command === 'FEAT') talk.say('502 What?');
        else if (command !== 'LIST') return false;
        else if (argument === '') void talk.list(a.replace(/^[^\n]*\n/, ''));
        else if (answer === '') void talk.list('');
        else talk.say(answer);
        return true;
      });
      const { results: found } = await collect(ftp, inventory, server.url);
      expect(found).toMatchObject({ there: 'present 5', x: 'absent' });
      expect(found['.x']).toMatch(/^failed: not listed, but/);
    }
  });

  test('LIST where MLSD tells no targets of links', async () => {
    const inventory = testInventory([
      { path: 'd/f', sizeBytes: 5 },
      { path: 'l', target: 'd/f', leadsTo: 'd/f' },
    ]);
    const server = await scriptedFtp((talk, command, argument) => {
      if (command === 'MLSD') void talk.list(`${SELF}type=dir; d\r\ntype=OS.unix=symlink;size=3; l\r\n`);
      else if (command === 'LIST' && argument === '-a')
        void talk.list(
          unix(
            'drwxr-xr-x 2 0 0 4096 Nov 22 12:18 .\n-rw-r--r-- 1 0 0 5 Nov 22 12:18 f\nlrwxrwxrwx 1 0 0 3 Nov 22 12:18 l -> d/f\n',
          ),
        );
      else return false;
      return true;
    });
    const { report, results: found } = await collect(ftp, inventory, server.url);
    expect(found).toEqual({ 'd/f': 'present 5', l: 'present 5' });
    expect(report.requests).toBe(3);
    expect(server.commands.filter((line) => /^(MLSD|LIST)/.test(line))).toEqual(['MLSD', 'LIST -a', 'LIST -a']);
  });
});

test('links to their own directory or the one above, which ProFTPD leaves out, are not proven absent', async () => {
  const inventory = testInventory([
    { path: 'd' },
    { path: 'd/here', target: '.', leadsTo: 'd' },
    { path: 'd/up', target: '../', leadsTo: 'd' },
    { path: 'd/link', target: '../d', leadsTo: 'd' },
  ]);
  const server = await scriptedFtp((talk, command) => {
    if (command === 'MLSD') void talk.list(`${SELF}type=dir; d\r\n`);
    return command === 'MLSD';
  });
  const { results: found } = await collect(ftp, inventory, server.url);
  expect(found).toMatchObject({ d: 'present', 'd/link': 'absent' });
  for (const path of ['d/here', 'd/up']) expect(found[path]).toMatch(/^failed: not listed, but/);
});

test('names that FTP cannot carry are never sent, and fail with a word', async () => {
  const inventory = testInventory([
    { path: 'a%0D%0ADELE%20b' },
    { path: 'a%0D%0ADELE%20b/f', sizeBytes: 1 },
    { path: 'x%FFy/f', sizeBytes: 1 },
    { path: 'z/f', sizeBytes: 1 },
  ]);
  const server = await scriptedFtp((talk, command) => {
    if (command !== 'MLSD') return false;
    void talk.list(`${SELF}type=dir; z\r\ntype=file;size=1; f\r\n`);
    return true;
  });
  const { results: found } = await collect(ftp, inventory, server.url);
  expect(found).toEqual({
    'a%0D%0ADELE%20b': expect.stringMatching(/^failed: not listed, but/),
    'a%0D%0ADELE%20b/f': 'failed: has a name that FTP cannot carry',
    'x%FFy/f': 'failed: has a name that FTP cannot carry',
    'z/f': 'present 1',
  });
  expect(server.commands.filter((line) => line.startsWith('CWD'))).toEqual(['CWD /', 'CWD /z']);
});

describe('bounds', () => {
  const many = testInventory([
    { path: '' },
    ...Array.from({ length: 60 }, (_, i) => [{ path: `d${i}` }, { path: `d${i}/f`, sizeBytes: 1 }]).flat(),
  ]);
  const root = SELF + Array.from({ length: 60 }, (_, i) => `type=dir; d${i}\r\n`).join('');

  test('a server that cuts after every listing is read all the same', async () => {
    const server = await scriptedFtp((talk, command, _, nth) => {
      if (command !== 'MLSD') return false;
      void talk.list(nth === 1 ? root : `${SELF}type=file;size=1; f\r\n`).then(() => talk.socket.end());
      return true;
    });
    const { report, results: found } = await collect(ftp, many, server.url);
    expect(report).toMatchObject({ ended: 'whole', requests: 61 });
    expect(new Set(Object.values(found))).toEqual(new Set(['present', 'present 1']));
  });

  test('a server that breaks for good in the middle is given up after few tries', async () => {
    const server = await scriptedFtp((talk, command, _, nth) => {
      if (command !== 'MLSD') return false;
      if (nth > 11) talk.socket.destroy();
      else void talk.list(nth === 1 ? root : `${SELF}type=file;size=1; f\r\n`);
      return true;
    });
    const { report, results: found } = await collect(ftp, many, server.url);
    expect(report).toMatchObject({ ended: 'partial', reason: 'closes the connection in the middle' });
    expect(server.accepted()).toBeLessThan(10);
    expect(Object.values(found).filter((text) => text === 'present 1').length).toBe(10);
    expect(Object.values(found).filter((text) => text.startsWith('failed')).length).toBe(50);
    expect(Object.values(found)).not.toContain('absent');
  });

  test('a server that is of no use at first is asked once more, after a pause', async () => {
    const times: number[] = [];
    const server = await scriptedFtp((talk, command, _, nth) => {
      if (command === 'PASS') times.push(performance.now());
      if (command !== 'PASS' || nth > 1) return false;
      talk.say('530 Not yet');
      talk.socket.end();
      return true;
    });
    const { report } = await collect(ftp, testInventory([{ path: '' }]), server.url, { secondTryAfterMs: 300 });
    expect(report).toMatchObject({ ended: 'whole', connections: 2 });
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(300);
  });

  test('a refused login says what the server said, quoted', async () => {
    const server = await scriptedFtp((talk, command) => {
      if (command === 'PASS') talk.say('530 Sorry\x07, no more users');
      return command === 'PASS';
    });
    const { report } = await collect(ftp, INVENTORY, server.url);
    expect(report).toMatchObject({
      ended: 'unusable',
      reason: 'refuses the anonymous login: "530 Sorry\\u0007, no more users"',
    });
  });

  test('an answer that comes a letter at a time is not waited for', async () => {
    const server = await scriptedFtp((talk, command) => {
      if (command !== 'FEAT') return false;
      const timer = setInterval(() => talk.socket.write('x'), 50);
      talk.socket.on('close', () => clearInterval(timer));
      return true;
    });
    const { report } = await collect(ftp, INVENTORY, server.url, { timeoutMs: 300 });
    expect(report).toMatchObject({ ended: 'unusable', reason: 'no answer within 0.3 s' });
    await expect.poll(server.open).toBe(0);
  });

  test('the root lies where the login leads, and in the path of the URL', async () => {
    const server = await scriptedFtp((talk, command) => {
      if (command === 'PWD') talk.say('257 "/home/a ""b""" is "here"');
      return command === 'PWD';
    });
    await collect(ftp, INVENTORY, `${server.url}pub/gen%74oo%20linux/`);
    expect(server.commands).toContain('CWD /home/a "b"/pub/gentoo linux/');
    expect(server.commands.slice(0, 2)).toEqual(['USER anonymous', 'PASS redirector-test/1']);
  });
});
