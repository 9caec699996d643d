import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { networkOf, privateZoneOf, zoneOf } from './edge-keys.ts';
import { parseNetwork, prefixesOf } from './networks.ts';

/** Few different bits, so that addresses are often inside networks, and near their ends. */
const octet = fc.constantFrom(0, 1, 3, 4, 5, 127, 128, 255);
const group = fc.constantFrom(0, 0, 1, 0xf, 0x10, 0xff, 0x100, 0x1000, 0xffff);
const ipv4 = fc.array(octet, { minLength: 4, maxLength: 4 }).map((octets) => octets.join('.'));
/** No IPv4 address in disguise; written in any of the ways in which zeros may be left out. */
const ipv6 = fc
  .tuple(
    fc.tuple(fc.constantFrom(1, 0xf, 0x1000, 0xffff), ...Array.from({ length: 7 }, () => group)),
    fc.nat(7),
    fc.nat(7),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([groups, a, b, isPadded, isUpper]) => {
    const texts = groups.map((one) => (isPadded ? one.toString(16).padStart(4, '0') : one.toString(16)));
    const [from, to] = a < b ? [a, b] : [b, a + 1];
    const isGap = groups.slice(from, to).every((one) => one === 0);
    const text = isGap ? `${texts.slice(0, from).join(':')}::${texts.slice(to).join(':')}` : texts.join(':');
    return isUpper ? text.toUpperCase() : text;
  });

interface Drawn {
  readonly address: string;
  readonly bits: number;
}

/** A network around an address: its bits behind `bits` cleared. */
function cleared(address: string, bits: number): string {
  const isV6 = address.includes(':');
  const size = isV6 ? 128n : 32n;
  const value = isV6
    ? BigInt(`0x${expanded(address).join('')}`)
    : address.split('.').reduce((sum, one) => sum * 256n + BigInt(one), 0n);
  const kept = (value >> (size - BigInt(bits))) << (size - BigInt(bits));
  const hex = kept.toString(16).padStart(isV6 ? 32 : 8, '0');
  if (isV6) return `${(hex.match(/.{4}/g) as string[]).join(':')}/${bits}`;
  return `${(hex.match(/../g) as string[]).map((one) => parseInt(one, 16)).join('.')}/${bits}`;
}

function expanded(address: string): string[] {
  const [head = [], tail = []] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const zeros = new Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...tail].map((one) => one.padStart(4, '0'));
}

const drawn = fc.oneof(
  fc.record<Drawn>({ address: ipv4, bits: fc.integer({ min: 8, max: 24 }) }),
  fc.record<Drawn>({ address: ipv6, bits: fc.integer({ min: 16, max: 56 }) }),
);

describe('the prefixes of networks', () => {
  it('are found by the edge for the addresses inside, however these are written, and for no others', () => {
    const networks = fc.array(drawn, { minLength: 1, maxLength: 6 });
    const seen = { inside: 0, outside: 0 };
    fc.assert(
      fc.property(networks, fc.array(fc.oneof(ipv4, ipv6), { minLength: 20, maxLength: 20 }), (some, ips) => {
        const cidrs = some.map(({ address, bits }) => cleared(address, bits));
        const truth = new BlockList();
        for (const cidr of cidrs) {
          const [address = '', bits] = cidr.split('/');
          truth.addSubnet(address, Number(bits), cidr.includes(':') ? 'ipv6' : 'ipv4');
        }
        const list = `,${prefixesOf(cidrs).join(',')},DEATGF2,US-CA-OR`;
        for (const ip of [...ips, ...some.map(({ address }) => address)]) {
          const isInside = truth.check(ip, ip.includes(':') ? 'ipv6' : 'ipv4');
          expect(privateZoneOf(list, networkOf(ip)) !== '', `${ip} of ${cidrs}`).toBe(isInside);
          seen[isInside ? 'inside' : 'outside']++;
        }
      }),
      { numRuns: 400 },
    );
    expect(seen.inside).toBeGreaterThan(500);
    expect(seen.outside).toBeGreaterThan(500);
  });

  it('lead to the longest of them, and away from no zone of a place', () => {
    const list = ',10.,10.1.,10.1.2.,20010db8,20010db80001,DEATGF2,US-CA-OR3';
    expect(privateZoneOf(list, networkOf('10.1.2.3'))).toBe('10.1.2.*');
    expect(privateZoneOf(list, networkOf('10.1.3.3'))).toBe('10.1.*');
    expect(privateZoneOf(list, networkOf('100.1.2.3'))).toBe('');
    expect(privateZoneOf(list, networkOf('2001:db8:1:ff::1'))).toBe('20010db80001*');
    expect(privateZoneOf(list, networkOf('2001:db8:1:2:3:4::'))).toBe('20010db80001*');
    expect(privateZoneOf(list, networkOf('2001::db8:1:2:3:4:5'))).toBe('');
    expect(privateZoneOf(list.slice(1), networkOf('10.1.2.3'))).toBe('');
    for (const [country, part] of [
      ['DE', ''],
      ['AT', ''],
      ['US', 'OR'],
      ['US', 'TX'],
      ['FR', ''],
    ] as const) {
      expect(zoneOf(list, country, part)).toEqual(zoneOf('DEATGF2,US-CA-OR3', country, part));
    }
    // What a function says that knows of no networks: a zone of that name has no table.
    expect(zoneOf(list, '10.1.2.*', '')).toEqual({ name: '10.1.2.*', shards: 1 });
  });
});

describe('a network', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.0/24', ['192.0.2.']],
    ['10.0.0.0/8', '10.0.0.0/8', ['10.']],
    ['192.0.4.0/22', '192.0.4.0/22', ['192.0.4.', '192.0.5.', '192.0.6.', '192.0.7.']],
    ['2001:DB8:0001:0::/48', '2001:db8:1::/48', ['20010db80001']],
    [
      '2001:db8:1:8000::/49',
      '2001:db8:1:8000::/49',
      [8, 9, 10, 11, 12, 13, 14, 15].map((n) => `20010db80001${n.toString(16)}`),
    ],
    ['2001:db8::/32', '2001:db8::/32', ['20010db8']],
  ])('%s is read', (text, cidr, prefixes) => {
    expect(parseNetwork(text)).toEqual({ cidr, prefixes });
  });

  it.each([
    ['192.0.2.0', 'must be a network'],
    ['192.0.2.0/', 'must be a network'],
    ['192.0.2.0/024', 'must be a network'],
    ['192.0.2/24', 'must be a network'],
    ['192.0.02.0/24', 'must be a network'],
    ['mirror.example.org/24', 'must be a network'],
    ['fe80::%eth0/48', 'must be a network'],
    ['2001:db8:::/48', 'must be a network'],
    ['2001:db8::/48\n', 'must be a network'],
    ['192.0.2.0/25', 'from /8 to /24'],
    ['0.0.0.0/0', 'from /8 to /24'],
    ['2001:db8::/64', 'from /16 to /56'],
    ['192.0.2.1/24', 'has bits set behind its first 24'],
    ['192.0.5.0/22', 'has bits set behind its first 22'],
    ['2001:db8:1::1/48', 'has bits set behind its first 48'],
  ])('%s is refused', (text, why) => {
    expect(parseNetwork(text)).toContain(why);
  });
});
