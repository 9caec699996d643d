export interface ListedMirror {
  readonly name: string;
  readonly region: string;
  readonly listedAs: string;
  readonly countryName: string;
  readonly urls: readonly string[];
  readonly partial: boolean;
}

/** A mirror list in the format of Gentoo's `distfiles.xml`. Mirrors of one country must follow each other. */
export function distfilesXml(mirrors: readonly ListedMirror[]): string {
  const lines = ['<?xml version="1.0" encoding="utf-8"?>', '<mirrors>'];
  for (const [i, mirror] of mirrors.entries()) {
    if (mirrors[i - 1]?.listedAs !== mirror.listedAs) {
      if (i > 0) lines.push('  </mirrorgroup>');
      const { region, listedAs, countryName } = mirror;
      lines.push(
        `  <mirrorgroup region="${escaped(region)}" country="${escaped(listedAs)}" countryname="${escaped(countryName)}">`,
      );
    }
    const partial = mirror.partial ? 'y' : 'n';
    const uris = mirror.urls.map((url) => {
      const protocol = url.slice(0, url.indexOf(':'));
      return `      <uri protocol="${protocol}" ipv4="y" ipv6="n" partial="${partial}">${escaped(url)}</uri>`;
    });
    lines.push('    <mirror>', `      <name>${escaped(mirror.name)}</name>`, ...uris, '    </mirror>');
  }
  if (mirrors.length > 0) lines.push('  </mirrorgroup>');
  return `${lines.join('\n')}\n</mirrors>\n`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
