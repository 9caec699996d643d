import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { requires } from '../../test/debian-packages.ts';
import { startProftpd } from '../../test/servers/proftpd.ts';
import { startVsftpd } from '../../test/servers/vsftpd.ts';
import { checkerSuite } from '../../test/suites/checker.ts';
import { collect } from '../testing/collect.ts';
import { type FtpScript, type FtpTalk, type ScriptedFtp, startScriptedFtp } from '../testing/ftp-server.ts';
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

const servers: ScriptedFtp[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function scripted(script: FtpScript): Promise<ScriptedFtp> {
  const server = await startScriptedFtp(script);
  servers.push(server);
  return server;
}

const INVENTORY = testInventory([
  { path: '' },
  { path: 'a' },
  { path: 'a/there', sizeBytes: 5 },
  { path: 'a/gone', sizeBytes: 5 },
  { path: 'b' },
  { path: 'b/other', sizeBytes: 7 },
]);
const SELF = 'type=cdir; .\r\n';
const ROOT = `${SELF}type=dir; a\r\ntype=dir; b\r\n`;
const IN_A = `${SELF}type=file;size=5; there\r\n`;
const IN_B = `${SELF}type=file;size=7; other\r\n`;

/** Lists the root and `b` rightly, and does as it is told with `a`. */
function withFaultIn(fault: (talk: FtpTalk) => unknown, commands: readonly string[] = ['MLSD']): FtpScript {
  const directories = new WeakMap<FtpTalk, string>();
  return (talk, command, argument) => {
    if (command === 'CWD') directories.set(talk, argument);
    if (!commands.includes(command)) return false;
    const directory = directories.get(talk);
    if (directory === '/a') void fault(talk);
    else void talk.list(directory === '/' ? ROOT : IN_B);
    return true;
  };
}

async function results(script: FtpScript, timeoutMs = 300) {
  const server = await scripted(script);
  const collected = await collect(ftp, INVENTORY, server.url, { timeoutMs });
  await expect.poll(server.open).toBe(0);
  return { ...collected, server };
}

describe('a listing that is not whole proves what it shows, and nothing absent', () => {
  const shown = 'present 5';
  const rows: [name: string, fault: (talk: FtpTalk) => unknown, there: string, gone: RegExp][] = [
    ['whole', (talk) => talk.list(IN_A), shown, /^absent$/],
    [
      'a last line without its end',
      (talk) => talk.list(`${SELF}type=file;size=5; there`),
      'failed: a listing that breaks off in the middle of a line',
      /^failed: a listing that breaks off/,
    ],
    ['a line that cannot be read', (talk) => talk.list(`${IN_A}\x1b[31mwhat?\r\n`), shown, /"\\u001b\[31mwhat\?"$/],
    [
      'a file without a size',
      (talk) => talk.list(`${IN_A}type=file; gone\r\n`),
      shown,
      /^failed: a listing with a line that/,
    ],
    [
      'a size beyond what is exact',
      (talk) => talk.list(`${IN_A}type=file;size=9007199254740993; gone\r\n`),
      shown,
      /^failed: a listing with a line that/,
    ],
    [
      'a path in place of a name',
      (talk) => talk.list(`${IN_A}type=file;size=5; ../b/other\r\n`),
      shown,
      /^failed: a listing with a line that/,
    ],
    [
      'a 226 that says it is cut',
      (talk) => finish(talk, IN_A, '226 Output truncated to 1 matches'),
      shown,
      /truncated/,
    ],
    ['a round number of names', (talk) => talk.list(IN_A + filler(999)), shown, /^failed: a listing of 1000 names/],
    ['a number that is not round', (talk) => talk.list(IN_A + filler(1000)), shown, /^absent$/],
    ['a 426 after it', (talk) => finish(talk, IN_A, '426 Connection closed'), shown, /^failed: answers "426/],
    ['a 451 after it', (talk) => finish(talk, IN_A, '451 Local error'), shown, /^failed: answers "451/],
    [
      'nothing at all',
      (talk) => talk.list(''),
      'failed: an empty listing, which may mean that it cannot be read',
      /^failed/,
    ],
    [
      'a 550',
      (talk) => talk.say('550 Permission denied'),
      'failed: answers "550 Permission denied"',
      /^failed: answers "550/,
    ],
    ['no 226', (talk) => finish(talk, IN_A, ''), shown, /^failed: no answer within 0.3 s$/],
    ['a 150 that comes after the data, and no 226', (talk) => lateMark(talk, IN_A), shown, /^failed: no answer within/],
    ['data without end', (talk) => keepOpen(talk, IN_A), shown, /^failed: no answer within 0.3 s$/],
    ['a reset of the data connection', (talk) => reset(talk), 'failed: connection reset', /^failed: connection reset$/],
    [
      'the control connection cut',
      (talk) => talk.socket.destroy(),
      'failed: closes the connection in the middle',
      /^failed: closes/,
    ],
    [
      'a 421',
      (talk) => talk.say('421 Too many of you'),
      'failed: answers "421 Too many of you"',
      /^failed: answers "421/,
    ],
  ];
  test.each(rows)('%s', async (_, fault, there, gone) => {
    const { report, results: found } = await results(withFaultIn(fault));
    expect(report.ended).toBe('whole');
    expect(found).toMatchObject({ '': 'present', a: 'present', 'b/other': 'present 7' });
    expect(found['a/there']).toBe(there);
    expect(found['a/gone']).toMatch(gone);
  });
});

function filler(count: number): string {
  return Array.from({ length: count }, (_, i) => `type=file;size=1; filler${i}\r\n`).join('');
}

async function finish(talk: FtpTalk, text: string, line: string): Promise<void> {
  talk.say('150 Here it comes');
  (await talk.data()).end(text);
  if (line !== '') talk.say(line);
}

async function lateMark(talk: FtpTalk, text: string): Promise<void> {
  const data = await talk.data();
  data.end(text);
  // The client has read the end by then, since it ends its side too.
  await once(data.resume(), 'close');
  talk.say('150 Here it comes');
}

async function keepOpen(talk: FtpTalk, text: string): Promise<void> {
  talk.say('150 Here it comes');
  (await talk.data()).write(text);
  talk.say('226 Done');
}

async function reset(talk: FtpTalk): Promise<void> {
  talk.say('150 Here it comes');
  (await talk.data()).resetAndDestroy();
}

test('550 for a directory is no absence where its parent shows it, nor where nothing whole is above', async () => {
  const deny = (talk: FtpTalk, command: string, argument: string) => {
    if (command !== 'CWD' || !argument.startsWith('/a')) return false;
    talk.say('550 No such directory');
    return true;
  };
  const rest = withFaultIn(() => {});
  const { results: shown } = await results((talk, command, argument, nth) => {
    return deny(talk, command, argument) || rest(talk, command, argument, nth);
  });
  expect(shown).toMatchObject({ a: 'present', 'a/there': 'failed: answers "550 No such directory"' });
  const hides = withFaultIn(() => {});
  const { results: odd } = await results((talk, command, argument, nth) => {
    if (command === 'MLSD' && nth === 1) void talk.list(`${SELF}type=dir; b\r\nodd\r\n`);
    else return deny(talk, command, argument) || hides(talk, command, argument, nth);
    return true;
  });
  expect(odd['a']).toMatch(/^failed: a listing with a line that cannot be read/);
  expect(odd['a/there']).toBe('failed: answers "550 No such directory"');
  const { results: gone, server } = await results((talk, command, argument, nth) => {
    if (command === 'MLSD' && nth === 1) void talk.list(`${SELF}type=dir; b\r\n`);
    else return deny(talk, command, argument) || hides(talk, command, argument, nth);
    return true;
  });
  expect(gone).toMatchObject({ a: 'absent', 'a/there': 'absent', 'b/other': 'present 7' });
  expect(server.commands).not.toContain('CWD /a');
});

describe('the data connection', () => {
  test('goes to the host of the control connection, whatever PASV says', async () => {
    const list = withFaultIn((talk) => talk.list(IN_A));
    const { results: found, server } = await results((talk, command, argument, nth) => {
      if (command === 'EPSV') talk.say('500 What?');
      else if (command === 'PASV')
        void talk.openPort().then((port) => talk.say(`227 Passive (192,0,2,1,${port >> 8},${port & 255}).`));
      else return list(talk, command, argument, nth);
      return true;
    });
    expect(found['a/there']).toBe('present 5');
    expect(server.commands.filter((line) => line === 'EPSV').length).toBe(1);
  });

  const rows: [name: string, answer: string, reason: RegExp][] = [
    ['no port', '229 Fine', /^tells no port for data: answers "229 Fine"$/],
    ['port 0', '229 Fine (|||0|)', /^tells no port/],
    ['a port beyond all', '229 Fine (|||65536|)', /^tells no port/],
    ['a port that nobody listens on', '229 Fine (|||1|)', /^no data connection: connection refused$/],
    ['another answer', '425 No', /^answers "500 What\?"$/],
  ];
  test.each(rows)('%s: given up after few tries', async (_, answer, reason) => {
    const { report, server } = await results((talk, command) => {
      if (command === 'EPSV') talk.say(answer);
      else if (command === 'PASV') talk.say('500 What?');
      else return false;
      return true;
    });
    expect(report.ended).toBe('unusable');
    expect(report.reason).toMatch(reason);
    expect(server.commands.length).toBeLessThan(30);
  });
});

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
      const server = await scripted((talk, command, argument) => {
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
    const server = await scripted((talk, command, argument) => {
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
  const server = await scripted((talk, command) => {
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
  const server = await scripted((talk, command) => {
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
    const server = await scripted((talk, command, _, nth) => {
      if (command !== 'MLSD') return false;
      void talk.list(nth === 1 ? root : `${SELF}type=file;size=1; f\r\n`).then(() => talk.socket.end());
      return true;
    });
    const { report, results: found } = await collect(ftp, many, server.url);
    expect(report).toMatchObject({ ended: 'whole', requests: 61 });
    expect(new Set(Object.values(found))).toEqual(new Set(['present', 'present 1']));
  });

  test('a server that breaks for good in the middle is given up after few tries', async () => {
    const server = await scripted((talk, command, _, nth) => {
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
    const server = await scripted((talk, command, _, nth) => {
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
    const server = await scripted((talk, command) => {
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
    const server = await scripted((talk, command) => {
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
    const server = await scripted((talk, command) => {
      if (command === 'PWD') talk.say('257 "/home/a ""b""" is "here"');
      return command === 'PWD';
    });
    await collect(ftp, INVENTORY, `${server.url}pub/gen%74oo%20linux/`);
    expect(server.commands).toContain('CWD /home/a "b"/pub/gentoo linux/');
    expect(server.commands.slice(0, 2)).toEqual(['USER anonymous', 'PASS redirector-test/1']);
  });
});
