import { FormatError, messageOf } from '../errors.ts';
import type { MirrorList } from '../mirror.ts';

/** `output/inventory/mirrors.json` (docs/formats.md). */
export function encodeMirrors(list: MirrorList): string {
  return `${JSON.stringify(list, null, 1)}\n`;
}

/** Throws FormatError where the text is not a mirror list of this version; `file` is named in its message. */
export function decodeMirrors(text: string, file: string): MirrorList {
  let list: Partial<MirrorList>;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${file}: ${messageOf(error)}; run "redirector inventory"`);
  }
  if (list?.version !== 1 || !Array.isArray(list.mirrors)) {
    throw new FormatError(`${file}: not a mirror list of version 1; run "redirector inventory"`);
  }
  return list as MirrorList;
}
