const LETTER_CASE = 0x20;

function isNamed(key: Buffer, name: string): boolean {
  if (key.length !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    if (((key[i] as number) | LETTER_CASE) !== (name.charCodeAt(i) | LETTER_CASE)) return false;
  }
  return true;
}

/** The Content-Length (RFC 9110, 8.6) of raw headers; -1 where there is none that is a plain number. */
export function contentLength(rawHeaders: readonly Buffer[]): number {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!isNamed(rawHeaders[i] as Buffer, 'content-length')) continue;
    const digits = rawHeaders[i + 1] as Buffer;
    let value = digits.length > 0 ? 0 : -1;
    for (const byte of digits) {
      if (byte < 0x30 || byte > 0x39) return -1;
      value = value * 10 + (byte - 0x30);
    }
    return Number.isSafeInteger(value) ? value : -1;
  }
  return -1;
}

/**
 * Whether the body comes otherwise than it is kept (RFC 9110, 8.4): Content-Length then tells nothing of the object. It is
 * asked for as it is, `accept-encoding: identity`.
 */
export function isEncoded(rawHeaders: readonly Buffer[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!isNamed(rawHeaders[i] as Buffer, 'content-encoding')) continue;
    if (!/^(identity)?$/i.test((rawHeaders[i + 1] as Buffer).toString('latin1').trim())) return true;
  }
  return false;
}

/** The first header of that name (in lower case), one character for each byte; '' where there is none. */
export function headerText(rawHeaders: readonly Buffer[], name: string): string {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (isNamed(rawHeaders[i] as Buffer, name)) return (rawHeaders[i + 1] as Buffer).toString('latin1');
  }
  return '';
}
