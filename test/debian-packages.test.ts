import { describe, expect, it } from 'vitest';
import { ensurePrograms, type Machine, PACKAGES, type Program, reasonToSkip } from './debian-packages.ts';

/** A machine that has some programs and installs what it is told, unless apt-get is broken. */
function machine(options: { has: Program[]; isRoot?: boolean; isDebian?: boolean; isCi?: boolean; aptCode?: number }) {
  const installed = new Set<string>(options.has.map((program) => PACKAGES[program]));
  const commands: string[] = [];
  const lines: string[] = [];
  const own: Machine = {
    isDebian: options.isDebian ?? true,
    isRoot: options.isRoot ?? true,
    isCi: options.isCi ?? false,
    has: (program) => installed.has(PACKAGES[program]),
    run: async (command, env) => {
      commands.push(`${env['DEBIAN_FRONTEND']} ${command.join(' ')}`);
      if (options.aptCode) return options.aptCode;
      if (command[1] === 'install') for (const word of command.slice(2)) installed.add(word);
      return 0;
    },
    print: (line) => lines.push(line),
  };
  return { own, commands, lines };
}

describe('ensurePrograms', () => {
  it('does and says nothing where all are there', async () => {
    const { own, commands, lines } = machine({ has: ['nginx-js', 'nginx', 'rsync', 'njs', 'openssl', 'curl'] });
    await ensurePrograms(own);
    expect([commands, lines]).toEqual([[], []]);
  });

  it('installs what is missing on Debian as root, lists first, asking nothing', async () => {
    const { own, commands, lines } = machine({ has: ['nginx-js', 'rsync', 'openssl', 'curl'] });
    await ensurePrograms(own);
    expect(commands).toEqual([
      'noninteractive apt-get update -q',
      'noninteractive apt-get install -y -q --no-install-recommends nginx-light njs',
    ]);
    expect(lines).toEqual(['Installing what the tests need: nginx-light njs']);
  });

  it('gives one command to type where it may not install', async () => {
    const { own, commands, lines } = machine({ has: ['nginx-js', 'openssl', 'curl', 'njs'], isRoot: false });
    await ensurePrograms(own);
    expect(commands).toEqual([]);
    expect(lines).toEqual([
      'Not installed: nginx, rsync. Tests that need them are skipped. Type "sudo apt-get install -y nginx-light rsync" to run them all.',
    ]);
  });

  it('names the packages on other systems', async () => {
    const { own, commands, lines } = machine({ has: ['nginx-js', 'openssl', 'curl', 'njs', 'rsync'], isDebian: false });
    await ensurePrograms(own);
    expect(commands).toEqual([]);
    expect(lines[0]).toContain('Install them (on Debian: "sudo apt-get install -y nginx-light")');
  });

  it('goes on with a word where apt-get fails, but fails itself where CI=true', async () => {
    const broken = machine({ has: ['nginx-js', 'rsync'], aptCode: 100 });
    await ensurePrograms(broken.own);
    expect(broken.commands).toEqual(['noninteractive apt-get update -q']);
    expect(broken.lines.at(-1)).toContain('Not installed: nginx, njs, openssl, curl.');
    await expect(ensurePrograms(machine({ has: ['nginx-js', 'rsync'], aptCode: 100, isCi: true }).own)).rejects.toThrow(
      'the tests need nginx, njs, openssl, curl. Type "sudo apt-get install -y nginx-light njs openssl curl".',
    );
    await expect(ensurePrograms(machine({ has: ['nginx-js'], isRoot: false, isCi: true }).own)).rejects.toThrow(
      'the tests need',
    );
  });
});

describe('reasonToSkip', () => {
  const has = (program: Program) => program === 'rsync';

  it('is null where all is there, a reason where not, an error where CI=true', () => {
    expect(reasonToSkip(['rsync'], { isCi: true, has })).toBe(null);
    expect(reasonToSkip(['nginx', 'rsync'], { isCi: false, has })).toBe('needs nginx (Debian: nginx-light)');
    expect(() => reasonToSkip(['njs'], { isCi: true, has })).toThrow('needs njs (Debian: njs); nothing is skipped');
  });
});
