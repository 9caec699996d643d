import { expect, test } from 'vitest';
import { isFullHouse } from './replies.ts';

// As vsftpd, pure-ftpd, ProFTPD, wu-ftpd, FileZilla and Internet Information Services say it.
const FULL: readonly [code: number, text: string][] = [
  [421, 'There are too many connected users, please try later.'],
  [421, 'There are too many connections from your internet address.'],
  [421, '50 users (the maximum) are already logged in, sorry'],
  [421, 'Too many connections (4) from this IP'],
  [530, 'Sorry, the maximum number of clients (1) from your host are already connected.'],
  [530, 'Sorry, the maximum number of allowed clients (30) are already connected.'],
  [530, 'Too many users are logged in for user type(anonymous).'],
  [421, 'Server is full'],
  [421, 'Maximum session limit reached.'],
];
const NOT_FULL: readonly [code: number, text: string][] = [
  [421, 'Timeout.'],
  [421, 'Service not available.'],
  [421, 'Service not available, closing control connection'],
  [421, 'No connections are allowed from your address'],
  [530, 'Login incorrect.'],
  [530, 'Login incorrect, try again later.'],
  [530, 'Anonymous access is limited to local hosts.'],
  [530, 'Maximum login attempts reached.'],
  [530, 'This FTP server does not allow anonymous logins'],
  [220, 'Welcome; at most 50 users, too many are sent away'],
  [500, 'too many arguments'],
  [550, 'Too many open files'],
];

test.each(FULL)('%i %s: has no room', (code, text) => expect(isFullHouse(code, `${code} ${text}`)).toBe(true));

test.each(NOT_FULL)('%i %s: says something else', (code, text) => {
  expect(isFullHouse(code, `${code} ${text}`)).toBe(false);
});
