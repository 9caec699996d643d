import { expect, test } from 'vitest';
import { ftp } from './ftp.ts';
import { httpHead } from './http-head.ts';
import { httpListing } from './http-listing.ts';
import { METHOD_LIST } from './index.ts';
import { rsync } from './rsync.ts';

test('the registry says of each method what the method says of itself', () => {
  const about = ({ name, scope, protocols }: (typeof METHOD_LIST)[number]) => ({ name, scope, protocols });
  expect(METHOD_LIST.map(about)).toEqual([httpHead, rsync, ftp, httpListing].map(about));
});
