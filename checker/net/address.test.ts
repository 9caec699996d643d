import { describe, expect, it, test } from 'vitest';
import { addressesOf } from '../probe/targets.ts';
import { allowedKinds, kindOf } from './address.ts';

describe('the kind of an address', () => {
  test.each([
    ['1.1.1.1', 'public'],
    ['8.8.8.8', 'public'],
    ['172.32.0.1', 'public'],
    ['223.255.255.255', 'public'],
    ['2600::1', 'public'],
    ['2a01:4f8::1', 'public'],
    ['::ffff:8.8.8.8', 'public'],
    ['64:ff9b::808:808', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['100.64.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['fd00::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::a00:1', 'private'],
    ['0.0.0.0', 'reserved'],
    ['169.254.169.254', 'reserved'],
    ['::ffff:169.254.169.254', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['224.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'reserved'],
    ['fe80::1', 'reserved'],
    ['ff02::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['2002:7f00:1::1', 'reserved'],
    ['::127.0.0.1', 'reserved'],
    ['fec0::1', 'reserved'],
    ['localhost', 'reserved'],
    ['', 'reserved'],
  ])('%s is %s', (address, kind) => {
    expect(kindOf(address)).toBe(kind);
  });
});

describe('where requests may go', () => {
  test.each([
    ['mirror.example', ['public']],
    ['localhost', ['loopback', 'public']],
    ['mirror.localhost', ['loopback', 'public']],
    ['notlocalhost', ['public']],
    ['127.0.0.1', ['loopback', 'public']],
    ['[::1]', ['loopback', 'public']],
    ['10.1.2.3', ['private', 'public']],
    ['[fd00::1]', ['private', 'public']],
    ['8.8.8.8', ['public']],
    ['169.254.169.254', ['public']],
  ])('from %s: %j', (host, kinds) => {
    expect([...allowedKinds(host)].sort()).toEqual(kinds);
  });

  it('is told with the address that forbids it', async () => {
    const resolve = async () => [
      { address: '10.0.0.5', family: 4 as const },
      { address: '2600::1', family: 6 as const },
    ];
    const reach = {
      network: { resolve, hasIpv4: true, hasIpv6: true },
      allowed: allowedKinds('mirror.example'),
      timeoutMs: 1000,
    };
    await expect(addressesOf('mirror.example', 4, reach)).rejects.toThrow(
      'its name resolves to 10.0.0.5, a private address',
    );
    expect(await addressesOf('mirror.example', 6, reach)).toEqual([{ address: '2600::1', family: 6 }]);
  });
});
