import { Command, CommanderError } from 'commander';
import { registerBuild } from './cli/commands/build.ts';
import { registerCheck } from './cli/commands/check.ts';
import { registerConfig } from './cli/commands/config.ts';
import { registerDemo } from './cli/commands/demo.ts';
import { registerInventory } from './cli/commands/inventory.ts';
import { registerLookup } from './cli/commands/lookup.ts';
import { registerMerge } from './cli/commands/merge.ts';
import { registerProbe } from './cli/commands/probe.ts';
import { registerRun } from './cli/commands/run.ts';
import { registerServe } from './cli/commands/serve.ts';
import { registerSite } from './cli/commands/site.ts';
import { ExitCode, reportFailure } from './cli/exit.ts';

const EXIT_CODES = `
Exit codes: 0 done; 1 the work could not be done; 2 wrong arguments, configuration or input; 70 a bug; 130 interrupted.
All commands take --config FILE, --output DIR, --json and --quiet.`;

/** The front door: parses the arguments (without node and script), runs the command, sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('redirector')
    .description(
      'Checks every mirror of a distribution, builds maps, and redirects each request to a near mirror that holds the file.',
    )
    .version('0.1.0')
    .showHelpAfterError('(add --help for what is allowed)')
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  const registrations = [
    registerInventory,
    registerCheck,
    registerProbe,
    registerMerge,
    registerBuild,
    registerSite,
    registerRun,
    registerServe,
    registerLookup,
    registerDemo,
    registerConfig,
  ];
  for (const register of registrations) register(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    else process.exitCode = reportFailure(error);
  }
}
