import type { FtpListParser } from './list-parser.ts';
import { said } from './replies.ts';

/** How the listing of one directory went. */
export interface FtpListing {
  /**
   * whole: it shows all there is; partial: it shows something; refused: the server answers that it won't, be it because
   * there is nothing or because we may not see it; failed: something broke, another try may do better.
   */
  readonly ended: 'whole' | 'partial' | 'refused' | 'failed';
  /** A sentence; '' when whole. */
  readonly reason: string;
  /** Whether names with a dot in front are in it too. */
  readonly showsHidden: boolean;
}

/** A listing as it was read, and how the server ended it. */
export interface Transferred {
  readonly parser: FtpListParser;
  readonly reply: { readonly code: number; readonly message: string };
}

// A 226 all the same: vsftpd for a directory it can't open, pure-ftpd for one it can't read or cuts at its limit.
const NOT_ALL = /fail|unable|denied|error|truncat|abort|incomplete/i;

/** What a listing that was transferred shows of its directory. */
export function judged({ parser, reply }: Transferred): FtpListing {
  const { entries, showsSelf } = parser;
  const isDone = reply.code === 226 || reply.code === 250;
  const reason = !isDone || NOT_ALL.test(reply.message) ? said(reply.message) : flawOf(parser);
  const ended = reason === '' ? 'whole' : entries > 0 ? 'partial' : isDone ? 'refused' : 'failed';
  return { ended, reason, showsHidden: showsSelf };
}

/** Why a listing that was sent to its end may not show all; '' = it does. */
function flawOf(parser: FtpListParser): string {
  const { entries, showsSelf, oddLines, linksWithoutTarget } = parser;
  if (oddLines > 0) return unread(parser);
  if (linksWithoutTarget > 0) return 'lists links without their targets';
  if (entries === 0 && !showsSelf) return 'an empty listing, which may mean that it cannot be read';
  return isRound(entries) ? `a listing of ${entries} names, which may be a limit` : '';
}

/** Servers that list so many at the most (pure-ftpd 10,000) count `.` and `..` or do not, and not all say so. */
function isRound(entries: number): boolean {
  return entries >= 998 && (entries + 2) % 1000 <= 2;
}

function unread({ oddLines, firstOdd, isCut }: FtpListParser): string {
  // Not what is left of the line: each listing would have a reason of its own.
  if (isCut && oddLines === 1) return 'a listing that breaks off in the middle of a line';
  return `a listing with ${oddLines === 1 ? 'a line' : `${oddLines} lines`} that cannot be read: ${firstOdd}`;
}
