import type { Command } from 'commander';
import { inContext, type SharedOptions, withSharedOptions } from '../context.ts';

interface LookupOptions {
  readonly country: string;
  readonly scheme: string;
  readonly ip: string;
}

export function registerLookup(program: Command): void {
  withSharedOptions(program.command('lookup'))
    .description('explain where a viewer who asks for a path is sent')
    .argument('<path>', 'a path as a viewer would ask for it, percent-encoded')
    .option('--country <code>', 'the viewer’s country (DE), or part of a large one (US-CA)', '')
    .option('--scheme <scheme>', 'https or http', 'https')
    .option('--ip <address>', 'the viewer’s address; it chooses among equals', '192.0.2.1')
    .action((path: string, options: SharedOptions & LookupOptions) =>
      inContext(options, async (context) => {
        const { explain, explanationText } = await import('../explain.ts');
        const explanation = await explain(context.output, path, options, context.progress.note, Date.now());
        context.print(explanation, explanationText(explanation));
      }),
    );
}
