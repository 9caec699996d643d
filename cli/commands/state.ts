import { Argument, type Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { throwUnlessStateFile } from '../../core/formats/state-file.ts';
import { pullState, pushState, STATE_PARTS, type StatePart } from '../../core/node/state.ts';
import { openStore } from '../../core/node/store/open-store.ts';
import { throwUnlessVantage } from '../config-vantage.ts';
import { type Context, inLockedContext, plural, type SharedOptions, withSharedOptions } from '../context.ts';

interface StateOptions {
  readonly vantage?: string;
}

/** Where a runner gets its key from, if no file is to lie on it. */
const KEY_VARIABLE = 'REDIRECTOR_STORE_KEY';

const DIRECTIONS = {
  pull: { describes: 'fetch what earlier runs found from the store', move: pullState },
  push: { describes: 'put what this run found into the store', move: pushState },
} as const;
type Direction = keyof typeof DIRECTIONS;

export function registerState(program: Command): void {
  const state = program.command('state').description('keep what runs find in a store, for machines that keep nothing');
  for (const direction of ['pull', 'push'] as const) {
    withSharedOptions(state.command(direction))
      .description(DIRECTIONS[direction].describes)
      .addArgument(new Argument('<parts...>', 'what of it').choices(STATE_PARTS))
      .option('--vantage <name>', 'of checks and probes, those of this vantage')
      .action((parts: StatePart[], options: SharedOptions & StateOptions) =>
        inLockedContext(`state ${direction}`, options, (context) => moveState(context, direction, parts, options)),
      );
  }
}

async function moveState(
  context: Context,
  direction: Direction,
  parts: readonly StatePart[],
  { vantage }: StateOptions,
): Promise<void> {
  const config = context.config();
  const { output, progress, signal } = context;
  if (config.store === null) {
    throw new UsageError('state: the configuration has no [store]; "redirector config --print-defaults" shows one');
  }
  if (vantage !== undefined) throwUnlessVantage(vantage, config);
  const store = openStore(config.store, process.env[KEY_VARIABLE] || null, config.timeoutMs);
  try {
    const options = {
      output,
      store,
      storeName: config.store.at,
      throwUnlessWhole: throwUnlessStateFile,
      parts,
      vantage: vantage ?? null,
      progress,
      signal,
    };
    const summary = await DIRECTIONS[direction].move(options);
    const { files, moved, bytes } = summary;
    context.print(
      summary,
      `state ${direction}: ${plural(files, 'file')}, ${moved.toLocaleString('en')} of them new or changed (${plural(bytes, 'byte')})`,
    );
  } finally {
    await store.close();
  }
  context.throwIfInterrupted();
}
