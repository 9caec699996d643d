import type { Behaviour } from '../behaviour.ts';
import { FTP_SERVERS } from './ftp.ts';
import { RSYNC_DAEMONS } from './rsync.ts';
import { TLS } from './tls.ts';
import { WEB_ANSWERS } from './web-answers.ts';
import { WEB_CONNECTIONS } from './web-connections.ts';
import { WEB_LISTINGS } from './web-listings.ts';
import { WEB_SERVERS } from './web-servers.ts';

/** All of them. */
export const BEHAVIOURS: readonly Behaviour[] = [
  ...WEB_SERVERS,
  ...WEB_ANSWERS,
  ...WEB_CONNECTIONS,
  ...WEB_LISTINGS,
  ...TLS,
  ...RSYNC_DAEMONS,
  ...FTP_SERVERS,
];

/** Behaviours that the checker does not handle rightly yet, and how it does not. To be empty. */
export const KNOWN_WRONG: Readonly<Record<string, string>> = {
  'tells HEAD a length of 0 and GET the right one': 'files are taken for different: no GET is asked for a second word',
  'answers 404 to HEAD and 200 to GET': 'all is taken for absent: no GET is asked for a second word',
  'answers 200 with the right length to HEAD and 404 to GET': 'all is taken for present: no GET is asked',
};
