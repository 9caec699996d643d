import { BlockList, isIP } from 'node:net';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Who can be reached at an address: everybody (`public`), only this machine (`loopback`), only a network of its own
 * (`private`), or nobody that a mirror could be (`reserved`: link-local with the clouds' metadata services, multicast,
 * documentation, tunnels).
 */
export type AddressKind = 'public' | 'loopback' | 'private' | 'reserved';

type Subnet = readonly [network: string, prefixLength: number];

// IANA's special-purpose registries of IPv4 and IPv6 (RFC 6890) as of 2025.
const IPV4: Readonly<Record<'loopback' | 'private' | 'reserved', readonly Subnet[]>> = {
  loopback: [['127.0.0.0', 8]],
  private: [
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
  ],
  reserved: [
    ['0.0.0.0', 8],
    ['169.254.0.0', 16],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 3],
  ],
};
const IPV6: typeof IPV4 = {
  loopback: [['::1', 128]],
  private: [['fc00::', 7]],
  reserved: [
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['3fff::', 20],
  ],
};
/** All of IPv6 that is in use; beneath it NAT64 (RFC 6052) and mapped addresses, which are judged by the IPv4 in them. */
const GLOBAL_UNICAST: Subnet = ['2000::', 3];
const NAT64 = '64:ff9b::';

function listOf(kind: keyof typeof IPV4): BlockList {
  const list = new BlockList();
  for (const [network, prefixLength] of IPV4[kind]) {
    // A rule for IPv4 covers mapped addresses too (Node's manual, net.BlockList).
    list.addSubnet(network, prefixLength, 'ipv4');
    list.addSubnet(`${NAT64}${network}`, prefixLength + 96, 'ipv6');
  }
  for (const [network, prefixLength] of IPV6[kind]) list.addSubnet(network, prefixLength, 'ipv6');
  return list;
}

const LISTS = { loopback: listOf('loopback'), private: listOf('private'), reserved: listOf('reserved') };
const KNOWN_IPV6 = new BlockList();
KNOWN_IPV6.addSubnet(...GLOBAL_UNICAST, 'ipv6');
KNOWN_IPV6.addSubnet(NAT64, 96, 'ipv6');
KNOWN_IPV6.addSubnet('0.0.0.0', 0, 'ipv4');

/** The kind of an IP address; what is no address is `reserved`. */
export function kindOf(address: string): AddressKind {
  const family = isIP(address);
  if (family === 0) return 'reserved';
  const type = family === 4 ? 'ipv4' : 'ipv6';
  for (const kind of ['loopback', 'private', 'reserved'] as const) if (LISTS[kind].check(address, type)) return kind;
  return family === 4 || KNOWN_IPV6.check(address, type) ? 'public' : 'reserved';
}

/**
 * The kinds that requests to an access point may reach, whatever its name resolves to and wherever it redirects: public
 * ones, and its own where the mirror list itself names a loopback or private address.
 */
export function allowedKinds(hostname: string): ReadonlySet<AddressKind> {
  const host = plainHost(hostname);
  const own = isIP(host) !== 0 ? kindOf(host) : /(^|\.)localhost$/i.test(host) ? 'loopback' : 'public';
  return new Set<AddressKind>(own === 'reserved' ? ['public'] : ['public', own]);
}

/** A URL's hostname without the brackets of an IPv6 address. */
export function plainHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
