import { Command, CommanderError } from 'commander';
import { ExitCode, reportFailure } from './cli/exit.ts';
import { listenToStandardStreams } from './cli/standard-streams.ts';

const EXIT_CODES = `
Exit codes: 0 done; 1 the work could not be done; 2 wrong arguments, configuration or input; 70 a bug; 130 interrupted.
All commands take --config FILE, --output DIR, --json and --quiet.`;

/** What a command is read from, when it is asked for: a command should not wait for the code of the others. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  inventory: async () => (await import('./cli/commands/inventory.ts')).registerInventory,
  check: async () => (await import('./cli/commands/check.ts')).registerCheck,
  probe: async () => (await import('./cli/commands/probe.ts')).registerProbe,
  merge: async () => (await import('./cli/commands/merge.ts')).registerMerge,
  state: async () => (await import('./cli/commands/state.ts')).registerState,
  build: async () => (await import('./cli/commands/build.ts')).registerBuild,
  site: async () => (await import('./cli/commands/site.ts')).registerSite,
  run: async () => (await import('./cli/commands/run.ts')).registerRun,
  publish: async () => (await import('./cli/commands/publish.ts')).registerPublish,
  rollback: async () => (await import('./cli/commands/rollback.ts')).registerRollback,
  releases: async () => (await import('./cli/commands/releases.ts')).registerReleases,
  serve: async () => (await import('./cli/commands/serve.ts')).registerServe,
  edge: async () => (await import('./cli/commands/edge.ts')).registerEdge,
  lookup: async () => (await import('./cli/commands/lookup.ts')).registerLookup,
  demo: async () => (await import('./cli/commands/demo.ts')).registerDemo,
  config: async () => (await import('./cli/commands/config.ts')).registerConfig,
};

/** The front door: parses the arguments (without node and script), runs the command, sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  listenToStandardStreams();
  const program = new Command('redirector')
    .description(
      'Checks every mirror of a distribution, builds maps, and redirects each request to a near mirror that holds the file.',
    )
    .version('0.1.0')
    .showHelpAfterError('(add --help for what is allowed)')
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  const asked = COMMANDS[argv[0] ?? ''];
  for (const load of asked === undefined ? Object.values(COMMANDS) : [asked]) (await load())(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) process.exitCode = reportFailure(error);
    // Help is done when it is printed, if it could be.
    else if (error.exitCode !== 0) process.exitCode = ExitCode.usage;
  }
}
