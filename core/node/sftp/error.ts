import { quoted, RunError } from '../../errors.ts';

/** Status codes of SFTP (draft-ietf-secsh-filexfer-02, 7). */
export const SftpStatus = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

const MAX_FOREIGN_CHARACTERS = 80;

/** A request that failed: with the server's own status, or without one where the connection failed. */
export class SftpError extends RunError {
  override name = 'SftpError';
  /** `SftpStatus`; null where the server did not answer. */
  readonly status: number | null;
  /** What went wrong, without the user, the host and the path that the message has in front. */
  readonly reason: string;

  /** `cause`: what the system said of the connection. */
  constructor(where: string, reason: string, status: number | null, cause?: unknown) {
    super(`${where}: ${reason}`, { cause });
    this.status = status;
    this.reason = reason;
  }
}

/** The host cannot be asked from here: our own key is missing or of no use. Nothing was learnt of the host. */
export class SftpKeyError extends SftpError {
  override name = 'SftpKeyError';

  constructor(where: string, reason: string) {
    super(where, `it cannot be asked from here: ${reason}`, null);
  }
}

/** A foreign text for a sentence that may be published: without the user's name, quoted and cut. */
export function foreignText(text: string, user: string): string {
  // Before it is quoted and cut: either may change the name, or leave a part of it.
  return quoted(user === '' ? text : text.replaceAll(user, '…'), MAX_FOREIGN_CHARACTERS);
}

/** Whether the server answered a request with that status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof SftpError && error.status === status;
}

/** What a request answers, or `missing` where what it asks about is not there. */
export async function unlessMissing<T>(request: Promise<T>, missing: T): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (hasStatus(error, SftpStatus.noSuchFile)) return missing;
    throw error;
  }
}
