import { distfilesXml } from '../demo/distfiles-xml.ts';

/** A mirror list in the format of Gentoo's `distfiles.xml`, with what a test cares for alone. */
export function mirrorListXml(
  mirrors: readonly { readonly name: string; readonly country: string; readonly urls: readonly string[] }[],
): string {
  return distfilesXml(
    mirrors.map(({ name, country, urls }) => {
      return { name, urls, listedAs: country, countryName: country, region: 'x', partial: false };
    }),
  );
}
