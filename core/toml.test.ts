import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { UsageError } from './errors.ts';
import { parseToml, tomlText } from './toml.ts';

const schema = z.strictObject({
  name: z.string(),
  limits: z
    .strictObject({
      depth: z.number().int().min(1).max(512).default(64),
      inner: z.strictObject({ on: z.boolean() }).optional(),
    })
    .prefault({}),
  sources: z.array(z.strictObject({ from: z.string(), tags: z.array(z.string()).optional() })).optional(),
  mirror: z
    .record(z.string(), z.strictObject({ weight: z.number().optional(), kind: z.enum(['full', 'partial']).optional() }))
    .optional(),
});

test('a good file is read, with the defaults', () => {
  const text = 'name = "x"\n[[sources]]\nfrom = "a"\n[mirror."a.b"]\nweight = 2.5\n';
  expect(parseToml(text, schema, 'f')).toEqual({
    name: 'x',
    limits: { depth: 64 },
    sources: [{ from: 'a' }],
    mirror: { 'a.b': { weight: 2.5 } },
  });
});

test('the bytes of a file are UTF-8, with a byte order mark or without; where not, the line is told', () => {
  expect(tomlText(Buffer.from('name = "ö"\n'), 'f')).toBe('name = "ö"\n');
  expect(parseToml(tomlText(Buffer.from('\ufeffname = "ö"\n'), 'f'), schema, 'f').name).toBe('ö');
  expect(tomlText(new Uint8Array(), 'f')).toBe('');
  const latin1 = Buffer.from('a = "ö"\nb = "\u00f6"\r\n'.replace('ö', 'o'), 'latin1');
  expect(() => tomlText(latin1, 'f.toml')).toThrow(
    new UsageError('f.toml:2: not UTF-8; save the file in that encoding'),
  );
});

function problems(text: string): string[] {
  try {
    parseToml(text, schema, 'f.toml');
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message.split('\n');
  }
  return [];
}

describe('a problem is told with file, line, key, what was found and what is allowed', () => {
  test.each([
    [
      'a wrong value',
      'name = "x"\n\n[limits]\ndepth = 0',
      'f.toml:4: limits.depth: found 0; Too small: expected number to be >=1',
    ],
    ['a wrong type', '# c\nname = 5', 'f.toml:2: name: found 5; Invalid input: expected string, received number'],
    [
      'a missing key',
      '[limits]\ndepth = 2',
      'f.toml:1: name: found nothing; Invalid input: expected string, received undefined',
    ],
    [
      'a missing key of a table',
      'name = "x"\n[[sources]]\nfrom = "a"\n[[sources]]',
      'f.toml:4: sources[2].from: found nothing; ',
    ],
    [
      'an unknown key at the top',
      'name = "x"\nnmae = 1',
      'f.toml:2: nmae: unknown key; allowed here: name, limits, sources, mirror',
    ],
    [
      'an unknown table',
      'name = "x"\n[limit]\ndepth = 1',
      'f.toml:2: limit: unknown key; allowed here: name, limits, sources, mirror',
    ],
    [
      'an unknown key of a table',
      'name = "x"\n[limits]\ndeep = 1',
      'f.toml:3: limits.deep: unknown key; allowed here: depth, inner',
    ],
    [
      'one of a nested table',
      'name = "x"\n[limits.inner]\non = true\noff = 1',
      'f.toml:4: limits.inner.off: unknown key; allowed here: on',
    ],
    [
      'one by a dotted key',
      'name = "x"\nlimits.inner.on = true\nlimits.inner.off = 1',
      'f.toml:3: limits.inner.off: unknown key; allowed here: on',
    ],
    [
      'one of a table in an array',
      'name = "x"\n[[sources]]\nfrom = "a"\n\n[[sources]]\nfrom = "b"\nfrm = 1',
      'f.toml:7: sources[2].frm: unknown key; allowed here: from, tags',
    ],
    [
      'one of an inline table',
      'name = "x"\nsources = [\n{ from = "a" },\n{ from = "b", frm = 1 },\n]',
      'f.toml:4: sources[2].frm: unknown key; allowed here: from, tags',
    ],
    [
      'a wrong element',
      'name = "x"\n[[sources]]\nfrom = "a"\ntags = [\n"a",\n2,\n]',
      'f.toml:6: sources[1].tags[2]: found 2; ',
    ],
    [
      'one below a quoted key',
      'name = "x"\n[mirror."a.b"]\nwight = 1',
      'f.toml:3: mirror."a.b".wight: unknown key; allowed here: weight, kind',
    ],
    [
      'a word that is not allowed',
      'name = "x"\n[mirror.a]\nkind = "half"',
      'f.toml:3: mirror.a.kind: found "half"; Invalid option: expected one of "full"|"partial"',
    ],
    ['bad syntax', 'name = "x"\nlimits = = 2\n', 'f.toml:2: not valid TOML: '],
    ['a key twice', 'name = "x"\nname = "y"', 'f.toml:2: not valid TOML: '],
  ])('%s', (_, text, problem) => {
    expect(problems(text)).toEqual([expect.stringContaining(problem)]);
  });

  test('all problems at once, one a line, control characters quoted', () => {
    expect(problems('nmae = "\\u001b[31m"\nname = "a"\nlimits = "\\u001b\\n"')).toEqual([
      expect.stringMatching(/^f\.toml:3: limits: found "\\u001b\\n"; /),
      expect.stringMatching(/^f\.toml:1: nmae: unknown key/),
    ]);
  });

  test('a key that JavaScript knows is a key like any other', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      expect(problems(`name = "x"\n${key} = 1`)).toEqual([expect.stringContaining(`f.toml:2: ${key}: unknown key`)]);
    }
    expect(problems('name = "x"\n[mirror.__proto__]')).toEqual(['f.toml:2: mirror.__proto__: unknown key']);
  });
});
