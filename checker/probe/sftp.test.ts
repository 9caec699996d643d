import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LAYOUT_PATH, STAMP_PATH } from '../../core/master-files.ts';
import { requires } from '../../test/debian-packages.ts';
import { keep } from '../../test/keep.ts';
import type { SftpScript } from '../../test/servers/scripted-sftp.ts';
import { startScriptedMirror, startSftpMirror } from '../../test/servers/sftp-mirror.ts';
import { tempFolder } from '../../test/temp-folder.ts';
import { plantFiles } from '../testing/servers.ts';
import {
  KNOWN_BYTES,
  KNOWN_PATH,
  LAYOUT,
  STAMP_S,
  TestOutput,
  type TestPoint,
  testNetwork,
  told,
} from './testing/mirror.ts';

const outputOf = (...points: TestPoint[]) => keep(new TestOutput(points));

/** A tree that is as it should be, but for what is given. */
function plant(sizeBytes = KNOWN_BYTES, stampS = STAMP_S, layout: Buffer | null = LAYOUT): string {
  const root = keep(tempFolder()).path;
  plantFiles(root, { [KNOWN_PATH]: sizeBytes, [STAMP_PATH]: 0 });
  writeFileSync(join(root, STAMP_PATH), `${stampS}\n`);
  if (layout !== null) writeFileSync(join(root, LAYOUT_PATH), layout);
  return root;
}

requires('sshd')('over SFTP', () => {
  it('the size of the known object, the stamp and the layout count', async () => {
    const empty = keep(tempFolder()).path;
    const mirrors = await Promise.all(
      [
        plant(),
        plant(3),
        empty,
        plant(KNOWN_BYTES, STAMP_S - 31 * 3600),
        plant(KNOWN_BYTES, STAMP_S, Buffer.concat([LAYOUT, Buffer.from('#')])),
        plant(KNOWN_BYTES, STAMP_S - 2000, Buffer.from('older')),
        plant(KNOWN_BYTES, STAMP_S, null),
      ].map(async (root) => keep(await startSftpMirror(root))),
    );
    for (const [i, mirror] of mirrors.entries()) {
      const { login, sftpKey } = mirror.entry;
      const output = outputOf({ name: 'm', url: mirror.url, login });
      const { accessPoints } = await output.probe({ sftpKey });
      const expected = [
        'up',
        `down: "${KNOWN_PATH}" has 3 bytes there, 20,000 on the master`,
        `down: has no "${KNOWN_PATH}"`,
        'down: stamp is 31 h behind the master',
        `down: its ${LAYOUT_PATH} differs from the master's`,
        `up | its ${LAYOUT_PATH} is the one before the master's last change`,
        `up | has no ${LAYOUT_PATH}`,
      ][i];
      expect(told(accessPoints[0]!)).toBe(expected);
      const { cost, finalHost, stampLagS } = accessPoints[0]!;
      if (i > 0) continue;
      expect([cost.requests, cost.connections, finalHost, stampLagS]).toEqual([4, 1, new URL(mirror.url).host, 0]);
      expect(cost.bytes).toBeGreaterThan(1000);
      // The log comes a little later.
      await expect.poll(() => mirror.sshd.log()).toMatch(/Disconnected from|Connection closed by/);
    }
  });

  it('what keeps it out is told so that its administrator can act on it, and never as whom it came', async () => {
    const mirror = keep(await startSftpMirror(plant()));
    const other = keep(await startSftpMirror('/'));
    const { url, entry, sshd } = mirror;
    const otherKey = other.sshd.hostKeySha256;
    const network = testNetwork({ 'mirror.localhost': ['127.0.0.1'], 'private.example': ['10.0.0.1'] });
    const { port } = new URL(url);
    const output = outputOf(
      { name: 'fine', url: url.replace('127.0.0.1', 'mirror.localhost'), login: entry.login },
      { name: 'other host key', url, login: { ...entry.login, hostKeySha256: otherKey } },
      { name: 'nobody', url, login: { ...entry.login, user: 'nobody-of-that-name' } },
      { name: 'no login', url },
      { name: 'private', url: `sftp://private.example:${port}/`, login: entry.login },
      { name: 'no such folder', url: `sftp://127.0.0.1:${port}/nowhere/`, login: entry.login, isUnchecked: true },
    );
    const { accessPoints } = await output.probe({ sftpKey: entry.sftpKey, network });
    expect(accessPoints.map(told)).toEqual([
      'up',
      `down: its host key is ${sshd.hostKeySha256}, not the one that is expected ("${otherKey}"); nothing was sent`,
      'down: it refuses the key; give another key, or add the public one to the authorized keys there',
      'up | no user and host key are known: name them in the overrides of the mirror list',
      'down: its name resolves to 10.0.0.1, a private address',
      // What is presumed to be there.
      `down: has no "${LAYOUT_PATH}"`,
    ]);
    const refused = await output.probe({ sftpKey: other.entry.sftpKey, network });
    expect(told(refused.accessPoints[0]!)).toMatch(/^down: it refuses the key; give another key/);
    const unusable = await output.probe({ sftpKey: 'no key', network });
    // What was known stands, and is no vote of this place.
    const [fine] = unusable.accessPoints;
    expect(told(fine!)).toMatch(
      /^down: it refuses the key.* \| it cannot be asked from here: the private key cannot be used/,
    );
    expect([fine!.ipv4Up, fine!.ipv6Up]).toEqual([null, null]);
    expect(fine!.liveness.checkedAtS).toBe(refused.accessPoints[0]!.liveness.checkedAtS);
  });

  it('a server that answers oddly or not at all is told of as it is', async () => {
    const scripts: Readonly<Record<string, SftpScript>> = {
      'down: the connection was cut': () => 'cut',
      'down: failure': () => ({ status: 4 }),
      'down: permission denied': () => ({ status: 3 }),
      'down: tells no size': (request) => (request === 'stat' ? { names: ['x'] } : { status: 4 }),
    };
    await Promise.all(
      Object.entries(scripts).map(async ([expected, script]) => {
        const { url, entry } = keep(await startScriptedMirror(script));
        const { login, sftpKey } = entry;
        const { accessPoints } = await outputOf({ name: 'm', url, login }).probe({ sftpKey });
        expect(told(accessPoints[0]!)).toBe(expected);
      }),
    );
    const { url, entry } = keep(await startScriptedMirror(() => null));
    const output = outputOf({ name: 'silent', url, login: entry.login });
    // So long that a busy machine has come in by then.
    const { accessPoints } = await output.probe({ sftpKey: entry.sftpKey, timeoutMs: 3000 });
    expect(told(accessPoints[0]!)).toMatch(/^down: no answer within \d/);
  });

  it('links are followed, as the server follows them', async () => {
    const root = plant();
    const linked = keep(tempFolder()).path;
    symlinkSync(join(root, 'distfiles'), join(linked, 'distfiles'));
    const { url, entry } = keep(await startSftpMirror(linked));
    const { accessPoints } = await outputOf({ name: 'm', url, login: entry.login }).probe({ sftpKey: entry.sftpKey });
    expect(told(accessPoints[0]!)).toBe('up');
  });
});
