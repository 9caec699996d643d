import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { DEFAULTS_TEXT } from '../config.ts';
import { inContext, type SharedOptions, withSharedOptions } from '../context.ts';

interface ConfigOptions {
  readonly check?: boolean;
  readonly printDefaults?: boolean;
}

export function registerConfig(program: Command): void {
  withSharedOptions(program.command('config'))
    .description('check the configuration, or print one with all defaults')
    .option('--check', 'say whether the configuration is right')
    .option('--print-defaults', 'print a configuration with every key and its default')
    .action((options: SharedOptions & ConfigOptions) =>
      inContext(options, async (context) => {
        if (options.printDefaults === true) {
          process.stdout.write(DEFAULTS_TEXT);
          return;
        }
        if (options.check !== true) throw new UsageError('config: say --check or --print-defaults');
        const config = context.config();
        context.print(config, `${options.config}: right`);
      }),
    );
}
