import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { collect } from '../testing/collect.ts';
import { type FtpScript, type FtpTalk, scriptedFtp } from '../testing/ftp-server.ts';
import { TWO_DIRECTORIES } from '../testing/inventory.ts';
import { ftp } from './ftp.ts';

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
  const server = await scriptedFtp(script);
  const collected = await collect(ftp, TWO_DIRECTORIES, server.url, { timeoutMs });
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
