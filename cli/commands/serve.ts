import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { outputLayout } from '../../core/output-layout.ts';
import {
  type Context,
  inContext,
  portOption,
  type SharedOptions,
  untilInterrupted,
  withSharedOptions,
} from '../context.ts';
import { DEFAULT_FOLDER } from '../publish-targets.ts';

export interface ServeOptions {
  /** What was built last, even where something was published. */
  readonly built?: boolean;
  readonly host: string;
  readonly port: number;
  readonly sitePort: number;
}

export function withServeOptions(command: Command, port: number, sitePort: number): Command {
  return command
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <number>', 'the edge’s port; 0 = any free one', portOption, port)
    .option('--site-port <number>', 'the site’s port; 0 = any free one', portOption, sitePort);
}

export function registerServe(program: Command): void {
  withServeOptions(withSharedOptions(program.command('serve')), 8080, 8081)
    .description('a local edge: the function over the keys of the release that was published into the output folder')
    .option('--built', 'serve what was built last instead, as it does where nothing was published')
    .addHelpText(
      'after',
      '\nAsk it as a viewer of another place: curl -I "http://127.0.0.1:8080/distfiles/layout.conf?country=DE"',
    )
    .action((options: SharedOptions & ServeOptions) =>
      inContext(options, async (context) => {
        await serve(context, options, (urls) =>
          context.print(urls, `edge: ${urls.edge}\nsite: ${urls.site}\nCtrl-C ends it.`),
        );
      }),
    );
}

/** Serves until the person interrupts; `onListening` is told where. */
export async function serve(
  context: Context,
  options: ServeOptions,
  onListening: (urls: { edge: string; site: string }) => void,
): Promise<void> {
  const { startLocalEdge } = await import('../../edge-shim/local-edge.ts');
  const { host, port, sitePort } = options;
  const published = join(context.output, DEFAULT_FOLDER, 'current');
  // A release folder has the layout of the output folder.
  const isPublished = options.built !== true && existsSync(outputLayout.edgeKeys(published));
  const output = isPublished ? published : context.output;
  const edge = await startLocalEdge({ output, host, port, sitePort });
  try {
    onListening({ edge: edge.url, site: edge.siteUrl });
    await untilInterrupted(context);
  } finally {
    await edge.close();
  }
}
