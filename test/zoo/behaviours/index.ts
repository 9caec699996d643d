import type { Behaviour } from '../behaviour.ts';
import { FTP_SERVERS } from './ftp.ts';
import { RSYNC_DAEMONS } from './rsync.ts';
import { SFTP_SERVERS } from './sftp.ts';
import { TLS } from './tls.ts';
import { WEB_ANSWERS } from './web-answers.ts';
import { WEB_COMPRESSION } from './web-compression.ts';
import { WEB_CONNECTIONS } from './web-connections.ts';
import { WEB_LISTINGS } from './web-listings.ts';
import { WEB_METHODS } from './web-methods.ts';
import { WEB_SERVERS } from './web-servers.ts';

/** All of them. */
export const BEHAVIOURS: readonly Behaviour[] = [
  ...WEB_SERVERS,
  ...WEB_ANSWERS,
  ...WEB_METHODS,
  ...WEB_COMPRESSION,
  ...WEB_CONNECTIONS,
  ...WEB_LISTINGS,
  ...TLS,
  ...RSYNC_DAEMONS,
  ...FTP_SERVERS,
  ...SFTP_SERVERS,
];
