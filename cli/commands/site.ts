import type { Command } from 'commander';
import { type Context, inLockedContext, plural, type SharedOptions, withSharedOptions } from '../context.ts';

export function registerSite(program: Command): void {
  withSharedOptions(program.command('site'))
    .description('build the status site')
    .action((options: SharedOptions) => inLockedContext('site', options, buildPages));
}

export async function buildPages(context: Context): Promise<void> {
  const { buildSite } = await import('../../site/build.ts');
  const { pages, folder } = await buildSite(context);
  context.print({ pages, folder }, `site: ${plural(pages, 'page')} in ${folder}`);
}
