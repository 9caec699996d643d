import { type AccessPointUrl, parseAccessPointUrl } from './access-point-url.ts';

/** Where a mirror is read over SFTP, and as whom. */
export interface SftpUrl extends AccessPointUrl {
  readonly user: string;
}

const FORM = 'must be sftp://user@host[:port]/path, without a password';
// RFC 3986, 3.2.1: userinfo, without the colon before a password.
const WITH_USER = /^(sftp:\/\/)((?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)@(.*)$/is;

/** Reads the URL of a mirror's tree over SFTP; where that can't be, the answer is what it must be. */
export function parseSftpUrl(text: string): SftpUrl | string {
  const [, scheme, user, rest] = WITH_USER.exec(text) ?? [];
  if (scheme === undefined || user === undefined || rest === undefined) return FORM;
  const read = parseAccessPointUrl(scheme + rest, ['sftp']);
  if (typeof read === 'string') return `${FORM}; it ${read}`;
  try {
    const decoded = decodeURIComponent(user);
    if (!/\p{Cc}/u.test(decoded + decodeURIComponent(read.path))) return { ...read, user: decoded };
  } catch {
    // No UTF-8.
  }
  return `${FORM}; percent signs must stand for UTF-8 without control characters`;
}
