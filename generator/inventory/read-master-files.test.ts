import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeMasterFiles, encodeMasterFiles } from '../../core/formats/master-files.ts';
import { MAX_MASTER_FILE_BYTES, type MasterFiles, stampS } from '../../core/master-files.ts';
import { requires } from '../../test/debian-packages.ts';
import { startRsyncd } from '../../test/servers/rsyncd.ts';
import type { Source } from './entry.ts';
import { readMasterFiles } from './read-master-files.ts';

const LAYOUT = Buffer.from('[structure]\n\xff');
const STAMP = Buffer.from('1795349847\n');
const NOTHING: MasterFiles = { stamp: null, layout: null };
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'redirector-master-'));
  mkdirSync(join(root, 'tree/distfiles'), { recursive: true });
  mkdirSync(join(root, 'long/distfiles'), { recursive: true });
  mkdirSync(join(root, 'empty'));
  writeFileSync(join(root, 'tree/distfiles/layout.conf'), LAYOUT);
  writeFileSync(join(root, 'tree/distfiles/timestamp.mirmon'), STAMP);
  writeFileSync(join(root, 'long/distfiles/layout.conf'), Buffer.alloc(MAX_MASTER_FILE_BYTES + 1));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function read(sources: readonly Source[], before = NOTHING): Promise<{ files: MasterFiles; notes: string[] }> {
  const notes: string[] = [];
  const note = (line: string) => notes.push(line);
  const signal = new AbortController().signal;
  return { files: await readMasterFiles({ sources, before, timeoutMs: 5000, signal, note }), notes };
}

it('reads from the directory that holds them, whole or by prefix', async () => {
  const both = { files: { stamp: STAMP, layout: LAYOUT }, notes: [] };
  expect(await read([{ from: join(root, 'tree'), prefix: '' }])).toEqual(both);
  expect(await read([{ from: join(root, 'tree/distfiles'), prefix: 'distfiles' }])).toEqual(both);
  const others = [
    { from: join(root, 'tree'), prefix: 'releases' },
    { from: join(root, 'empty'), prefix: '' },
  ];
  expect(await read([...others, { from: join(root, 'tree'), prefix: '' }])).toEqual(both);
});

it('a master without them has none, whatever it had', async () => {
  const before = { stamp: STAMP, layout: LAYOUT };
  expect(await read([{ from: join(root, 'empty'), prefix: '' }], before)).toEqual({ files: NOTHING, notes: [] });
});

it('a directory that is not on this machine tells nothing: what was read elsewhere stays', async () => {
  const before = { stamp: STAMP, layout: LAYOUT };
  const { files, notes } = await read([{ from: join(root, 'nowhere'), prefix: '' }], before);
  expect(files).toEqual(before);
  expect(notes).toEqual(['layout.conf', 'timestamp.mirmon'].map(() => expect.stringMatching(/nowhere: .*ENOENT/)));
});

it('a file that is too long is told of and not taken', async () => {
  const { files, notes } = await read([{ from: join(root, 'long'), prefix: '' }]);
  expect(files).toEqual(NOTHING);
  expect(notes).toEqual([expect.stringMatching(/layout\.conf: longer than 65536 bytes/)]);
});

it('the file of them is read as it was written, and refused when torn', () => {
  const files = { stamp: STAMP, layout: null };
  expect(decodeMasterFiles(encodeMasterFiles(files), 'f')).toEqual(files);
  for (const text of ['{"version":1', '{"version":2}', 'null', '{"version":1,"stamp":5,"layout":null}']) {
    expect(() => decodeMasterFiles(text, 'm.json')).toThrow(/m\.json: .*"redirector inventory"/);
  }
});

it('a stamp is a time in seconds and nothing else', () => {
  expect(stampS(STAMP)).toBe(1_795_349_847);
  expect(stampS(Buffer.from('1795349847'))).toBe(1_795_349_847);
  for (const text of ['', '\n', '12', '1795349847 or so', '-1795349847', '1795349847000', '1.8e9', '\xff\xfe']) {
    expect(stampS(Buffer.from(text, 'latin1'))).toBe(null);
  }
});

requires('rsync')('over rsync', () => {
  it('reads them too, and keeps what it had where it cannot', async () => {
    const rsyncd = await startRsyncd({ tree: join(root, 'tree'), long: join(root, 'long') });
    try {
      const at = (module: string) => [{ from: `${rsyncd.urls['tree']?.replace('/tree/', '')}/${module}`, prefix: '' }];
      expect(await read(at('tree'))).toEqual({ files: { stamp: STAMP, layout: LAYOUT }, notes: [] });
      expect(await read(at('tree/'))).toEqual({ files: { stamp: STAMP, layout: LAYOUT }, notes: [] });
      const before = { stamp: Buffer.from('1'), layout: Buffer.from('2') };
      const long = await read(at('long'), before);
      expect(long.files).toEqual(before);
      expect(long.notes).toEqual([
        expect.stringMatching(/timestamp\.mirmon: ".*No such file/),
        expect.stringMatching(/layout\.conf: longer than 65536 bytes$/),
      ]);
      const refused = await read(at('nobody'), before);
      expect(refused).toEqual({
        files: before,
        notes: [expect.stringContaining('Unknown module'), expect.stringContaining('Unknown module')],
      });
    } finally {
      await rsyncd.close();
    }
  });
});
