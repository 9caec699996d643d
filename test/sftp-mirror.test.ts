import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { methodsOf } from '../checker/testing/check.ts';
import { decodeObservations } from '../core/formats/observations-file.ts';
import { readInventory, readMirrors } from '../core/node/leader-files.ts';
import { Outcome } from '../core/observations.ts';
import { outputLayout } from '../core/output-layout.ts';
import { plantTree } from '../demo/tree.ts';
import { requires } from './debian-packages.ts';
import { type Ran, runHere } from './front-door.ts';
import { keep } from './keep.ts';
import { mirrorListXml } from './mirror-list.ts';
import { startNginx } from './servers/nginx.ts';
import { type SftpMirror, startSftpMirror } from './servers/sftp-mirror.ts';
import { tempFolder } from './temp-folder.ts';

const OBJECTS = 1500;

requires('nginx', 'sshd')('a mirror without rsync and index pages that lets us in over SFTP', () => {
  const work = tempFolder();
  const output = join(work.path, 'output');
  const configFile = join(work.path, 'redirector.toml');
  let mirror: SftpMirror;
  let id: string;

  const redirect = (...args: string[]): Promise<Ran> => runHere(...args, '--config', configFile, '--output', output);
  const observed = (accessPointId: string) => {
    const file = outputLayout.observations(output, accessPointId, '');
    return decodeObservations(readFileSync(file), objects(), file);
  };
  const presentAt = (accessPointId: string) =>
    observed(accessPointId).outcome.filter((outcome) => outcome === Outcome.present).length;
  const objects = () => readInventory(output).paths.length;
  const configure = (key: string) =>
    writeFileSync(
      configFile,
      `fallback = "https://f.example.org/"\n[[inventory]]\nfrom = "tree"\n[check]\nkey = "${key}"\ntimeout = "5s"\n`,
    );

  beforeAll(async () => {
    const tree = plantTree(join(work.path, 'tree'), { objects: OBJECTS, seed: 5 });
    // Without what the probe looks at nothing is amiss.
    rmSync(join(tree.folder, 'distfiles/timestamp.mirmon'), { force: true });
    // A folder is there, and shows nothing.
    const directives = 'error_page 403 =200 @folder; location @folder { return 200 "a folder"; }';
    const nginx = await startNginx([{ root: tree.folder, indexes: false, directives }]);
    mirror = await startSftpMirror(tree.folder);
    const url = nginx.sites[0]?.httpUrl as string;
    writeFileSync(join(work.path, 'distfiles.xml'), mirrorListXml([{ name: 'M', country: 'DE', urls: [url] }]));
    const { login } = mirror.entry;
    const place = mirror.url.replace('sftp://', `sftp://${login.user}@`);
    writeFileSync(
      join(work.path, 'mirrors.toml'),
      `[mirror."127.0.0.1"]\nid = "m"\nsftp = "${place}"\nhost_key = "${login.hostKeySha256}"\n`,
    );
    mkdirSync(join(work.path, 'keys'));
    writeFileSync(join(work.path, 'keys/id'), mirror.entry.sftpKey);
    configure('keys/id');
    expect((await redirect('inventory', '--quiet')).code).toBe(0);
    id = readMirrors(output).mirrors[0]?.id as string;
    return async () => {
      await nginx.close();
      await mirror.close();
      work.close();
    };
  });

  it('has an access point of its own for it, which a dry run tells of', async () => {
    expect(readMirrors(output).mirrors[0]?.accessPoints.map((point) => point.id)).toEqual([`${id}.http`, `${id}.sftp`]);
    const { stdout } = await redirect('check', '--dry-run');
    expect(stdout).toMatch(/^m\.sftp: [\d,]+ objects by sftp \([\d,]+ new\)$/m);
  });

  it('is proven by its listings, and by a few HEADs in place of one for each object', async () => {
    const { stdout, code } = await redirect('check', '--json');
    expect(code).toBe(0);
    const [over, http] = JSON.parse(stdout).accessPoints;
    expect([over.accessPointId, over.method, over.state]).toEqual(['m.sftp', 'sftp', 'up']);
    expect([http.accessPointId, http.method, http.state]).toEqual(['m.http', 'sftp+sample', 'up']);
    expect(presentAt('m.http')).toBe(objects());
    // SFTP cannot tell of names that are no UTF-8.
    expect(presentAt('m.sftp')).toBe(objects() - over.failed);
    const methods = methodsOf(observed('m.http'));
    expect(methods['sftp+sample']).toBeGreaterThan(objects() / 4);
    expect(http.requests).toBeLessThan(objects() * 0.75);
    expect(Object.keys(methodsOf(observed('m.sftp')))).toEqual(['sftp']);
  });

  it('is probed over it, built and shown; nothing that is published tells as whom we come', async () => {
    const probed = JSON.parse((await redirect('probe', '--json')).stdout);
    expect(probed.accessPoints.map((record: { liveness: { state: string } }) => record.liveness.state)).toEqual([
      'up',
      'up',
    ]);
    for (const command of ['build', 'site']) expect((await redirect(command, '--quiet')).code).toBe(0);
    const site = readFileSync(join(outputLayout.site(output), `mirror-${id}.html`), 'utf8');
    expect(site).toContain(`<code>${mirror.url}</code>`);
    expect(site).toContain('SFTP');
    const { user, hostKeySha256 } = mirror.entry.login;
    const files = readdirSync(output, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const telling = files.filter(({ parentPath, name }) => {
      const bytes = readFileSync(join(parentPath, name));
      const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('latin1');
      return text.includes(hostKeySha256) || text.includes(`${user}@`) || text.includes('"login"');
    });
    expect(telling.map(({ name }) => name)).toEqual(['mirrors.json']);
    expect(files.length).toBeGreaterThan(20);
    // Viewers are sent to what they can read.
    expect(readFileSync(outputLayout.edgeKeys(output), 'utf8')).not.toContain(new URL(mirror.url).host);
  });

  it('a machine without the key says so, leaves the access point alone and calls nobody down', async () => {
    configure('keys/none');
    const before = [presentAt('m.sftp'), observed('m.sftp').liveness.state];
    for (const command of ['check', 'probe']) {
      const { code, stderr } = await redirect(command);
      expect(code).toBe(0);
      expect(stderr).toContain(`${join(work.path, 'keys/none')}: cannot be read`);
      expect(stderr).toContain('mirrors are not entered over SFTP from here');
    }
    expect([presentAt('m.sftp'), observed('m.sftp').liveness.state]).toEqual(before);
  });

  it('a key that is refused is told of, and takes nothing from what is known', async () => {
    const other = keep(await startSftpMirror('/'));
    writeFileSync(join(work.path, 'keys/other'), other.entry.sftpKey);
    configure('keys/other');
    const before = presentAt('m.sftp');
    await redirect('check', '--full', '--quiet');
    const { liveness } = observed('m.sftp');
    expect(liveness).toMatchObject({
      state: 'down',
      reason: expect.stringMatching(/^it refuses the key; give another/),
    });
    expect(presentAt('m.sftp')).toBe(before);
  });
});

describe('a mirror list', () => {
  it('brings in none by itself', async () => {
    const work = keep(tempFolder()).path;
    plantTree(join(work, 'tree'), { objects: 20, seed: 5 });
    const urls = ['http://127.0.0.1:1/', 'sftp://127.0.0.1:1/srv/'];
    writeFileSync(join(work, 'distfiles.xml'), mirrorListXml([{ name: 'M', country: 'DE', urls }]));
    writeFileSync(join(work, 'redirector.toml'), 'fallback = "https://f.example.org/"\n[[inventory]]\nfrom = "tree"\n');
    const { stderr } = await runHere('inventory', '-c', join(work, 'redirector.toml'), '-o', join(work, 'output'));
    expect(stderr).toContain(
      '"sftp://127.0.0.1:1/srv/" has a protocol that is not supported (only https, http, rsync, ftp)',
    );
  });
});
