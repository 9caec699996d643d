const utf8 = (name: string) => Buffer.from(name, 'utf8').toString('latin1');

/**
 * File names that have broken software before, each a string with one character for each byte (Node's `latin1`).
 * None holds `/` or NUL, none is longer than 255 bytes, no two are equal.
 */
export const ODD_NAMES: readonly string[] = [
  // Go modules, as an ebuild repository names them: the percent signs are part of the name.
  'github.com%2Fpkg%2Ferrors%2F@v%2Fv0.9.1.zip',
  'github.com%2Fpkg%2Ferrors%2F@v%2Fv0.9.1.mod',
  'github.com%2F!burnt!sushi%2Ftoml%2F@v%2Fv1.4.0.info',
  'percent%20sign-1.0.tar.gz',
  'percent%zz.patch',
  '100%',
  '%',
  // Reserved in URLs, in query strings, in shells.
  'gtk+-2.24.33.tar.xz',
  'libsigc++-2.12.1.tar.xz',
  'csharp#bindings#1.tar.gz',
  'user@host-1.0.tar.gz',
  'epoch:1:2.0.tar.gz',
  'a;b;c.tar.gz',
  'what?.tar.gz',
  '?mirrorlist',
  'hello!world!.tar.gz',
  'this&that=true.tar.gz',
  "it's.patch",
  'say "hi".patch',
  '$(touch pwned).tar.gz',
  '`id`.tar.gz',
  '*.tar.gz',
  '~root|[x]{y}^z,w.tar.gz',
  'back\\slash.zip',
  // Blanks and names that look like options or special entries.
  'inner space.tar.gz',
  ' leading-space.tar.gz',
  'trailing-space.tar.gz ',
  ' ',
  '-rf',
  '--delete.tar.gz',
  '.hidden-1.0.tar.gz',
  '.tar.gz',
  '..two-dots.tar.gz',
  '...',
  // What a page, a terminal or a log would act on.
  '<script>alert(1)<script>.js',
  '<img src=x onerror=alert(1)>.png',
  '&lt;b&gt;.txt',
  'new\nline.tar.gz',
  'header\r\nSet-Cookie: a=b.tar.gz',
  'tab\there.tar.gz',
  '\x1b[31mred\x1b[0m.tar.gz',
  '\x1b]0;title\x07.tar.gz',
  'bell\x07delete\x7f.bin',
  utf8('right\u202egnp.tar.gz'),
  utf8('zero\u200bwidth-1.0.tar.gz'),
  utf8('line\u2028separator.tar.gz'),
  // UTF-8, twice the same letter composed and decomposed, and bytes that are no UTF-8.
  utf8('café-1.0.tar.gz'),
  utf8('cafe\u0301-1.0.tar.gz'),
  'caf\xe9-1.0.tar.gz',
  utf8('日本語-2.0.tar.gz'),
  utf8('emoji-🦊-3.tar.gz'),
  '\xff\xfe\x80.bin',
  // What a listing by rsync writes between a link and its target, and how it writes odd bytes.
  'arrow -> target.tar.gz',
  ' -> ',
  '\\#123.tar.gz',
  '\\#012',
  // Twins where case is not told apart, and the longest names.
  'README-1.0',
  'readme-1.0',
  'ReadMe-1.0',
  `${'long-name-'.repeat(25)}12345`,
  utf8('é'.repeat(127)),
  '%'.repeat(255),
];
