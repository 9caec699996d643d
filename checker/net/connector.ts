import { type Allowed, guardedLookup } from './reach.ts';
import { undiciConnector } from './undici.ts';

const WRONG_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';

/**
 * undici's connector, to no address that is not `allowed`. A certificate for another name it reports by a code of our own: for Node's, a Client (undici 7)
 * fails what waits without taking it off its queue; it then never connects again, or ends the process by an assertion.
 */
export function buildConnector(options: undiciConnector.BuildOptions, allowed: Allowed): undiciConnector.connector {
  const connect = undiciConnector({ ...options, ...(allowed === null ? {} : { lookup: guardedLookup(allowed) }) });
  return (target, callback) =>
    connect(target, (...result) => {
      const [error] = result as [NodeJS.ErrnoException | null, unknown];
      if (error?.code === WRONG_NAME) callback(Object.assign(new Error(error.message), { code: 'WRONG_NAME' }), null);
      else callback(...result);
    });
}
