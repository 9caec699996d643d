import { isIP } from 'node:net';

/** An IP network that the edge can tell from others. */
export interface Network {
  /** In CIDR form (RFC 4632), an IPv6 address as RFC 5952 writes it. */
  readonly cidr: string;
  /** `networkOf` of each of its addresses begins with one of them, and of no other address. */
  readonly prefixes: readonly string[];
}

/** One mirror's networks are no more prefixes: each has its own tables. */
export const MOST_PREFIXES = 16;
/** All mirrors' prefixes, each with a comma, take no more of the value of `meta`. */
export const MOST_PREFIX_BYTES = 320;

/** What the edge sees of an address (`networkOf`): the first three numbers of four, or 14 hex digits of 32. */
const FAMILIES = {
  4: { digitBits: 8, shortest: 8, longest: 24 },
  6: { digitBits: 4, shortest: 16, longest: 56 },
};

/** Reads `192.0.2.0/24` or `2001:db8:1::/48`; a text says why it cannot be used. */
export function parseNetwork(text: string): Network | string {
  const match = /^([0-9A-Fa-f:.]{1,45})\/(0|[1-9]\d{0,2})$/.exec(text);
  const family = match === null ? 0 : isIP(match[1] as string);
  if (match === null || (family !== 4 && family !== 6)) {
    return 'must be a network in CIDR form, such as "192.0.2.0/24" or "2001:db8:1::/48"';
  }
  const { digitBits, shortest, longest } = FAMILIES[family];
  const bits = Number(match[2]);
  if (bits < shortest || bits > longest)
    return `of IPv${family}, networks from /${shortest} to /${longest} can be told apart`;
  const address = family === 4 ? (match[1] as string) : canonicalIpv6(match[1] as string);
  const digits = family === 4 ? address.split('.').map(Number) : hexDigits(address);
  const whole = Math.floor(bits / digitBits);
  const values = 2 ** (digitBits - (bits % digitBits));
  const own = digits[whole] as number;
  if (own % values !== 0 || digits.slice(whole + 1).some((digit) => digit !== 0)) {
    return `has bits set behind its first ${bits}: a network, not an address in one, is asked for`;
  }
  const prefix = (some: readonly number[]) =>
    family === 4 ? some.map((digit) => `${digit}.`).join('') : some.map((digit) => digit.toString(16)).join('');
  const head = digits.slice(0, whole);
  const prefixes =
    bits % digitBits === 0 ? [prefix(head)] : Array.from({ length: values }, (_, i) => prefix([...head, own + i]));
  return { cidr: `${address}/${bits}`, prefixes };
}

/** The prefixes of networks in CIDR form, each once, those inside others left out. Throws RangeError for anything else. */
export function prefixesOf(networks: readonly string[]): string[] {
  const all = networks.flatMap((text) => {
    const network = parseNetwork(text);
    if (typeof network === 'string') throw new RangeError(`${text} ${network}`);
    return network.prefixes;
  });
  return [...new Set(all)].filter((one) => !all.some((other) => other !== one && one.startsWith(other))).sort();
}

function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function hexDigits(ipv6: string): number[] {
  const [head = [], tail = []] = ipv6.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = new Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...tail].flatMap((group) =>
    [...group.padStart(4, '0')].map((digit) => parseInt(digit, 16)),
  );
}
