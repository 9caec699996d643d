import { describe, expect, it } from 'vitest';
import { geoPlace, mmdbOf } from '../test/mmdb.ts';
import { readGeo } from './geo-file.ts';

describe('a GeoIP file', () => {
  const networks = {
    '192.0.2.0/24': geoPlace('US', 'WA'),
    '198.51.100.128/25': geoPlace('DE'),
    '2001:db8:7::/48': geoPlace('JP'),
  };
  const locate = readGeo(mmdbOf(networks), 'geo.mmdb');

  it.each([
    ['192.0.2.1', 'US', 'WA'],
    ['192.0.3.1', '', ''],
    ['198.51.100.129', 'DE', ''],
    ['198.51.100.127', '', ''],
    ['2001:db8:7::1', 'JP', ''],
    ['2001:db8:7:ffff:1:2:3:4', 'JP', ''],
    ['2001:db8:8::1', '', ''],
    ['no address', '', ''],
    ['', '', ''],
  ])('%s: %s %s', (ip, country, subdivision) => {
    expect(locate(ip)).toEqual({ country, subdivision });
    // Out of the cache, too.
    expect(locate(ip)).toEqual({ country, subdivision });
  });

  it('of IPv4 alone knows no IPv6 address', () => {
    const ipv4 = readGeo(mmdbOf({ '32.0.0.0/8': geoPlace('US') }, { ipVersion: 4 }), 'geo.mmdb');
    expect(ipv4('32.1.2.3').country).toBe('US');
    expect(ipv4('2001:db8::1').country).toBe('');
  });

  it('with records of another kind tells nothing', () => {
    const odd = readGeo(mmdbOf({ '192.0.2.0/24': { country: { iso_code: 7 } }, '10.0.0.0/8': 'x' }), 'geo.mmdb');
    expect(odd('192.0.2.1')).toEqual({ country: '', subdivision: '' });
    expect(odd('10.0.0.1')).toEqual({ country: '', subdivision: '' });
  });

  it.each([
    ['empty', Buffer.alloc(0), 'geo.mmdb: not a GeoIP file'],
    ['a text', Buffer.from('Country,City\n'), 'geo.mmdb: not a GeoIP file'],
    ['torn', mmdbOf(networks).subarray(0, 900), 'geo.mmdb: not a GeoIP file'],
    ['its end alone', mmdbOf(networks).subarray(300), 'geo.mmdb: not a GeoIP file of format 2, or a torn one'],
    [
      'of networks',
      mmdbOf(networks, { databaseType: 'GeoLite2-ASN' }),
      'geo.mmdb: is "GeoLite2-ASN"; a file of countries',
    ],
  ])('that is %s is refused', (_, bytes, sentence) => {
    expect(() => readGeo(bytes, 'geo.mmdb')).toThrow(sentence);
  });
});
