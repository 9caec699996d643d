import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ProbeRecord } from '../../core/liveness.ts';
import { LAYOUT_PATH, STAMP_PATH } from '../../core/master-files.ts';
import { requires } from '../../test/debian-packages.ts';
import { type Nginx, startNginx } from '../../test/servers/nginx.ts';
import type { CertificateOptions } from '../../test/servers/tls.ts';
import {
  KNOWN_BYTES,
  KNOWN_PATH,
  LAYOUT,
  STAMP_S,
  startMirror,
  type TestMirror,
  TestOutput,
  testNetwork,
  told,
} from './testing/mirror.ts';

const DAY_MS = 86_400_000;

requires('nginx', 'openssl')('over TLS', () => {
  const root = mkdtempSync(join(tmpdir(), 'probe-tls-'));
  const running: Nginx[] = [];
  const mirrors: TestMirror[] = [];
  const start = async (certificate: CertificateOptions, directives = '') => {
    const nginx = await startNginx([{ root, protocols: ['https', 'http'], directives }], { certificate });
    running.push(nginx);
    return {
      ...(nginx.sites[0] as { httpUrl: string; httpsUrl: string }),
      ca: readFileSync(nginx.caFile as string, 'utf8'),
    };
  };

  beforeAll(() => {
    mkdirSync(join(root, 'distfiles/ab'), { recursive: true });
    writeFileSync(join(root, KNOWN_PATH), Buffer.alloc(KNOWN_BYTES));
    writeFileSync(join(root, LAYOUT_PATH), LAYOUT);
    writeFileSync(join(root, STAMP_PATH), `${STAMP_S}\n`);
  });
  afterAll(async () => {
    for (const one of [...running, ...mirrors]) await one.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('certificates are told of as an administrator would', async () => {
    const months = await start({ validDays: 90 });
    const days = await start({ validDays: 5 });
    const expired = await start({ validDays: -1 });
    const other = await start({ names: 'DNS:a.example,DNS:*.b.example,DNS:c.example,DNS:d.example' });
    const own = await start({ isSelfSigned: true });
    const stranger = await start({});
    const downgrade = await start({}, `location = /${KNOWN_PATH} { return 302 http://127.0.0.1:9/$uri; }`);
    const rows: [name: string, url: string, told: string][] = [
      ['for months', months.httpsUrl, 'up'],
      ['for days', days.httpsUrl, 'up | certificate expires in 4 days'],
      ['for no day more', expired.httpsUrl, 'down: certificate expired 24 hours ago'],
      [
        'for others',
        other.httpsUrl,
        'down: certificate is for other names: "a.example", "*.b.example", "c.example" and 1 more',
      ],
      ['by itself', own.httpsUrl, 'down: certificate is self-signed'],
      [
        'by nobody known',
        stranger.httpsUrl,
        'down: certificate is not from a trusted authority, or its chain is incomplete',
      ],
      ['to http', downgrade.httpsUrl, 'down: redirects from https to http'],
      ['without TLS', months.httpUrl.replace('http:', 'https:'), 'down: no TLS connection'],
      ['by http', months.httpUrl, 'up'],
    ];
    const output = new TestOutput(rows.map(([name, url]) => ({ name, url })));
    try {
      const ca = [months, days, expired, other, downgrade].map((one) => one.ca).join('\n');
      const { accessPoints } = await output.probe({ network: testNetwork({}, ca) });
      expect(accessPoints.map((record) => [record.accessPointId, told(record)])).toEqual(
        rows.map(([name, , expected]) => [`${name}.test`, expected]),
      );
      const leftDays = (i: number) => {
        const { certificateValidToS, liveness } = accessPoints[i] as ProbeRecord;
        return certificateValidToS === null ? null : Math.round((certificateValidToS - liveness.checkedAtS) / 86_400);
      };
      expect([0, 1, 2, 7, 8].map(leftDays)).toEqual([90, 5, -1, null, null]);
    } finally {
      output.close();
    }
  });

  it('the days since an expiry are counted', async () => {
    const { httpsUrl, ca } = await start({ validDays: -1 });
    const output = new TestOutput([{ name: 'm', url: httpsUrl }]);
    try {
      const nowMs = () => Date.now() + 2 * DAY_MS;
      const { accessPoints } = await output.probe({ network: testNetwork({}, ca), nowMs });
      expect(accessPoints.map(told)).toEqual(['down: certificate expired 3 days ago']);
    } finally {
      output.close();
    }
  });

  it('another mirror may serve what is asked, over TLS too, and is told of', async () => {
    const { httpsUrl, ca } = await start({});
    const { host } = new URL(httpsUrl);
    const mirror = await startMirror((request, response) => {
      response.writeHead(302, { location: `${httpsUrl}${request.url?.slice(1)}` }).end('moved');
      return true;
    });
    mirrors.push(mirror);
    const output = new TestOutput([{ name: 'm', url: mirror.url }]);
    try {
      const { accessPoints } = await output.probe({ network: testNetwork({}, ca) });
      expect(accessPoints).toMatchObject([{ finalHost: host, ipv4Up: true }]);
      expect(accessPoints.map(told)).toEqual([`up | redirects to "https://${host}" | certificate expires in 1 day`]);
    } finally {
      output.close();
    }
  });
});
