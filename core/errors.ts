/** Wrong input of the person at the command line (arguments, configuration, a missing file): exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** A file of `output/` that is torn, foreign or of another version. The message names the file and the way out. */
export class FormatError extends Error {
  override name = 'FormatError';
}

/** The work could not be done for a reason outside the program (a dead master, a refused rsync): exit code 1. */
export class RunError extends Error {
  override name = 'RunError';
}

/** A foreign or hostile text for a person's eyes: one line, quoted, at most `maxLength` characters. */
export function quoted(text: string, maxLength = 200): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const unsafe = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff]/g;
  return JSON.stringify(cut).replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
