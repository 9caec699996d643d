import type { Command } from 'commander';
import { type Context, inLockedContext, type SharedOptions, withSharedOptions } from '../context.ts';
import { buildAll } from './build.ts';
import { type CheckOptions, checkMirrors, withCheckOptions } from './check.ts';
import { takeStock } from './inventory.ts';
import { mergeVantages } from './merge.ts';
import { probeMirrors } from './probe.ts';
import { buildPages } from './site.ts';

export function registerRun(program: Command): void {
  withCheckOptions(withSharedOptions(program.command('run')))
    .description('inventory, check, probe, build and site, in this order')
    .option('--force', 'accept a source that lost more than half of its objects')
    .action((options: SharedOptions & CheckOptions & { force?: boolean }) =>
      inLockedContext('run', options, (context) => runAll(context, options)),
    );
}

/** All stages. With --json the result is one object, a key for each stage. */
export async function runAll(context: Context, options: CheckOptions & { readonly force?: boolean }): Promise<void> {
  const results: Record<string, unknown> = {};
  const texts: string[] = [];
  const stage = (name: string): Context => ({
    ...context,
    print(value, text) {
      results[name] = value;
      texts.push(text);
      context.progress.note(text);
    },
  });
  await takeStock(stage('inventory'), options);
  await checkMirrors(stage('check'), options);
  if (options.dryRun !== true) {
    await probeMirrors(stage('probe'), options, { isWhole: false });
    if (options.vantage !== undefined) await mergeVantages(stage('merge'), []);
    await buildAll(stage('build'));
    context.throwIfInterrupted();
    await buildPages(stage('site'));
  }
  context.print(results, '');
}
