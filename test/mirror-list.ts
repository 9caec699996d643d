import type { MirrorList } from '../core/mirror.ts';
import { distfilesXml } from '../demo/distfiles-xml.ts';
import { parseOverrides } from '../generator/mirrors/overrides.ts';
import { parseMirrorList } from '../generator/mirrors/parse-mirror-list.ts';

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

/** Elements of such a list, for lists that no distribution would write. */
export const uri = (url: string, attributes = '') => `<uri ${attributes}>${url}</uri>`;
export const mirror = (name: string, ...uris: string[]) => `<mirror><name>${name}</name>${uris.join('')}</mirror>`;
export const group = (country: string, ...mirrors: string[]) =>
  `<mirrorgroup region="R" country="${country}" countryname="C">${mirrors.join('\n')}</mirrorgroup>`;

/** What is read from a list of these groups, taken at 5 ms, with an overrides file where `toml` is one. */
export function parseGroups(groups: string | string[], toml?: string): MirrorList {
  const xml = `<?xml version="1.0" encoding="utf-8"?>\n<!-- vim: et -->\n<mirrors>${[groups].flat().join('\n')}</mirrors>`;
  const overrides = toml === undefined ? null : parseOverrides(toml, 'mirrors.toml');
  return parseMirrorList(xml, overrides, { list: 'distfiles.xml', nowMs: 5 });
}
