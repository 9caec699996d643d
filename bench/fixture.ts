import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outputLayout } from '../core/output-layout.ts';
import { mirrorListXml } from '../test/mirror-list.ts';
import type { Command } from './measure.ts';

const redirector = fileURLToPath(new URL('../redirector.js', import.meta.url));

/** A configuration over a tree and the URLs of one mirror each, with its inventory taken. */
export class Fixture {
  readonly folder: string;

  /** `more` writes files beside the configuration, and answers what is to stand in it besides. */
  constructor(folder: string, root: string, urls: readonly string[], more: (folder: string) => string = () => '') {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    const mirrors = urls.map((url, i) => ({ name: `m${i}`, country: 'DE', urls: [url] }));
    writeFileSync(join(folder, 'list.xml'), mirrorListXml(mirrors));
    const lines = ['fallback = "https://fallback.example.org/"', '[[inventory]]', `from = ${JSON.stringify(root)}`];
    const text = [...lines, '[mirrors]', 'list = "list.xml"', more(folder)].join('\n');
    writeFileSync(join(folder, 'redirector.toml'), text);
    execFileSync(process.execPath, this.#argv(['inventory', '--quiet']), { stdio: 'inherit' });
  }

  get output(): string {
    return join(this.folder, 'output');
  }

  /** Every check is a first one: a second one would find nothing due. */
  command(label: string, steps: number, args: readonly string[]): Command {
    const command: Command = { label, steps, argv: [process.execPath, ...this.#argv(args)] };
    if (args[0] !== 'check') return command;
    const prepare = () => rmSync(outputLayout.observationsFolder(this.output), { recursive: true, force: true });
    return { ...command, prepare };
  }

  #argv(args: readonly string[]): string[] {
    return [redirector, ...args, '--config', join(this.folder, 'redirector.toml'), '--output', this.output];
  }
}
