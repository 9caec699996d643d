import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { encodeHosts } from '../core/formats/hosts-file.ts';
import type { AccessPoint, Mirror } from '../core/mirror.ts';
import { outputLayout } from '../core/output-layout.ts';
import { keep } from '../test/keep.ts';
import { tempFolder } from '../test/temp-folder.ts';
import { FirstListings } from './first-listings.ts';
import type { Only } from './schedule.ts';
import { plantFiles, startRsyncDaemon } from './testing/servers.ts';

function mirrorAt(url: string): Mirror {
  const point = { id: 'm.rsync', mirrorId: 'm', protocol: 'rsync', url, ipv4: true, ipv6: false, partial: false };
  return { id: 'm', accessPoints: [point as AccessPoint] } as unknown as Mirror;
}

const NOW_MS = Date.UTC(2026, 6, 1);

async function begun(
  url: string,
  output: string,
  { only = 'all' as Only, treePrefix = '' } = {},
): Promise<FirstListings> {
  const listings = new FirstListings();
  const signal = new AbortController().signal;
  const mirrors = [mirrorAt(url)];
  await listings.begin({ output, vantage: '', mirrors, treePrefix, only, timeoutMs: 120_000, nowMs: NOW_MS, signal });
  keep({ close: () => listings.drop() });
  return listings;
}

test('what was begun is read to its end by the one who takes it, and by nobody else', async () => {
  const root = keep(tempFolder());
  plantFiles(root.path, { 'distfiles/ab/x.tar.xz': 5 });
  const { port } = keep(await startRsyncDaemon(root.path));
  const listings = await begun(`rsync://127.0.0.1:${port}/tree/`, keep(tempFolder()).path);
  const listing = listings.take('m.rsync');
  expect(listings.take('m.rsync')).toBeNull();
  const paths: string[] = [];
  const end = await listing?.read(({ path }) => void paths.push(path), new AbortController().signal);
  expect(end).toMatchObject({ complete: true, reason: '' });
  expect(paths.sort()).toEqual(['', 'distfiles', 'distfiles/ab', 'distfiles/ab/x.tar.xz']);
});

test('what nobody takes is ended', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  keep({ close: () => void server.close() });
  const connected = once(server, 'connection');
  const listings = await begun(
    `rsync://127.0.0.1:${(server.address() as AddressInfo).port}/tree/`,
    keep(tempFolder()).path,
  );
  const [socket] = (await connected) as [Socket];
  socket.resume().on('error', () => {});
  listings.drop();
  await once(socket, 'close');
  expect(listings.take('m.rsync')).toBeNull();
}, 20_000);

test('nothing begins where it may not be due', async () => {
  const output = keep(tempFolder()).path;
  const url = 'rsync://127.0.0.1:1/tree/';
  expect((await begun(url, output, { only: 'expired' })).take('m.rsync')).toBeNull();
  expect((await begun(url, output, { treePrefix: 'distfiles' })).take('m.rsync')).toBeNull();
  const hosts = (notBeforeMs: number) =>
    encodeHosts({ version: 1, hosts: [{ host: '127.0.0.1:1', status: 429, notBeforeMs }] });
  writeFileSync(outputLayout.hosts(output), hosts(NOW_MS + 60_000));
  expect((await begun(url, output)).take('m.rsync')).toBeNull();
  writeFileSync(outputLayout.hosts(output), hosts(NOW_MS - 1));
  expect((await begun(url, output)).take('m.rsync')).not.toBeNull();
  const file = outputLayout.observations(output, 'm.rsync');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  expect((await begun(url, output)).take('m.rsync')).toBeNull();
});
