import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { type Config, DEFAULTS_TEXT } from '../config.ts';
import { inContext, type SharedOptions, withSharedOptions } from '../context.ts';

interface ConfigOptions {
  readonly check?: boolean;
  readonly printDefaults?: boolean;
  readonly vantages?: boolean;
}

export function registerConfig(program: Command): void {
  withSharedOptions(program.command('config'))
    .description('check the configuration, or print one with all defaults')
    .option('--check', 'say whether the configuration is right')
    .option('--print-defaults', 'print a configuration with every key and its default')
    .option('--vantages', 'print the names of the vantages, as JSON')
    .action((options: SharedOptions & ConfigOptions) =>
      inContext(options, async (context) => {
        if (options.printDefaults === true) {
          process.stdout.write(DEFAULTS_TEXT);
          return;
        }
        if (options.vantages === true) {
          printVantages(options, context.config());
          return;
        }
        if (options.check !== true) throw new UsageError('config: say --check, --vantages or --print-defaults');
        const config = context.config();
        throwUnlessThere(options.config, config);
        context.print(config, `${options.config}: right`);
      }),
    );
}

/** Of what lies on this machine; whether what lies elsewhere can be reached is another question. */
function throwUnlessThere(file: string, { sources, mirrorList, overrides }: Config): void {
  const named = [
    ...sources.map(({ from }) => ['inventory.from', from] as const),
    ['mirrors.list', mirrorList] as const,
    ...(overrides === null ? [] : [['mirrors.overrides', overrides] as const]),
  ];
  const missing = named.filter(([, place]) => !/^[a-z]+:\/\//i.test(place) && !existsSync(place));
  if (missing.length === 0) return;
  throw new UsageError(missing.map(([key, place]) => `${file}: ${key}: ${place} is not there`).join('\n'));
}

/** For whoever starts a check for each. */
function printVantages({ config }: SharedOptions, { vantages }: Config): void {
  if (vantages.length === 0) throw new UsageError(`${config}: it has no [[vantage]]; name at least one`);
  process.stdout.write(`${JSON.stringify(vantages.map(({ name }) => name))}\n`);
}
