import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askOver } from '../test/adapter-requests.ts';
import { edgeServerOptions } from '../test/edge-server-options.ts';
import { geoPlace, mmdbOf } from '../test/mmdb.ts';
import { numberedFolders } from '../test/numbered-folders.ts';
import { type AdapterRequest, importForm } from '../test/suites/adapter.ts';
import { trustedProxies } from './http-event.ts';
import { type EdgeServerOptions, startEdgeServer } from './server.ts';

const newFolder = numberedFolders('edge-server');

const optionsOf = (keys: string, over: Partial<EdgeServerOptions> = {}) => edgeServerOptions(newFolder(), keys, over);

describe('the Node server', () => {
  const listFrom = async (url: string, headers: Record<string, string>) =>
    (await fetch(`${url}distfiles/ab/pkg-1%252F%2B%23.zip`, { redirect: 'manual', headers })).headers.get(
      'x-redirector',
    );

  it('takes over a new build without dropping a request, and keeps the old one where the new one is torn', async () => {
    const notes: string[] = [];
    const options = optionsOf(importForm, { note: (line) => notes.push(line) });
    const server = await startEdgeServer(options);
    const ask = askOver(server.url);
    const replace = (text: string) => {
      writeFileSync(`${options.keysFile}.new`, text);
      renameSync(`${options.keysFile}.new`, options.keysFile);
    };
    const request: AdapterRequest = {
      method: 'GET',
      path: '/distfiles/ab/pkg-2%252F%2B%23.zip',
      query: {},
      ip: '192.0.2.1',
      country: 'DE',
      subdivision: '',
      scheme: 'https',
    };
    const until = async (isDone: (location: string) => boolean) => {
      for (;;) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => ask(request)));
        for (const { status } of answers) expect(status).toBe(302);
        if (answers.every(({ headers }) => isDone(headers['location'] as string))) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await until((location) => location.startsWith('https://de.example.org/'));
    replace(importForm.replaceAll('de.example.org', 'moved.example.org'));
    await until((location) => location.startsWith('https://moved.example.org/'));
    replace('{"data":[');
    while (notes.length === 0) {
      await until((location) => location.startsWith('https://moved.example.org/'));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/not a key file .* what was there before stays in force/);
    await server.close();
  });

  it('believes X-Forwarded-For from trusted proxies alone, and its last foreign address', async () => {
    const geoFile = join(newFolder(), 'geo.mmdb');
    writeFileSync(
      geoFile,
      mmdbOf({ '198.51.100.0/24': geoPlace('JP'), '127.0.0.0/8': geoPlace('US'), '1.0.0.0/8': geoPlace('BR') }),
    );
    const trusting = await startEdgeServer(
      optionsOf(importForm, { geoFile, trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] }),
    );
    const wary = await startEdgeServer(optionsOf(importForm, { geoFile, trustedProxies: [] }));
    const forwarded = { 'x-forwarded-for': '1.1.1.1, 198.51.100.7, 10.1.2.3', 'x-forwarded-proto': 'https' };
    expect(await listFrom(trusting.url, forwarded)).toContain('region=JP');
    expect(await listFrom(wary.url, forwarded)).toContain('region=US');
    expect(await listFrom(trusting.url, { 'x-forwarded-for': 'unknown, <x>' })).toContain('region=US');
    await Promise.all([trusting.close(), wary.close()]);
  });

  it('says what is wrong with its options', async () => {
    expect(() => trustedProxies(['10.0.0.0/33'])).toThrow('trusted proxy "10.0.0.0/33": not an address or network');
    expect(() => trustedProxies(['proxy.example'])).toThrow('not an address or network such as "10.0.0.0/8"');
    await expect(startEdgeServer({ ...optionsOf('{}'), keysFile: join(newFolder(), 'none') })).rejects.toThrow(
      'run "redirector run" first',
    );
    const server = await startEdgeServer(optionsOf(importForm));
    await expect(startEdgeServer(optionsOf(importForm, { port: Number(new URL(server.url).port) }))).rejects.toThrow(
      'choose another port',
    );
    await server.close();
  });
});
