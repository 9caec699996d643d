import type { Protocol } from '../../core/mirror.ts';
import type { Method } from './contract.ts';
import { ftp } from './ftp.ts';
import { httpHead } from './http-head.ts';
import { rsync } from './rsync.ts';

/** All methods; for a protocol the first that serves it is used. */
export const METHOD_LIST: readonly Method[] = [httpHead, rsync, ftp];

/** The method for a protocol; undefined where there is none yet. */
export function methodFor(protocol: Protocol): Method | undefined {
  return METHOD_LIST.find((method) => method.protocols.includes(protocol));
}
