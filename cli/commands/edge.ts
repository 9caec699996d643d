import type { Command } from 'commander';
import { outputLayout } from '../../core/output-layout.ts';
import {
  type Context,
  inContext,
  portOption,
  type SharedOptions,
  several,
  untilInterrupted,
  withSharedOptions,
} from '../context.ts';

interface EdgeOptions {
  readonly host: string;
  readonly port: number;
  readonly geo?: string;
  readonly trust: readonly string[];
}

export function registerEdge(program: Command): void {
  withSharedOptions(program.command('edge'))
    .description('an edge of your own: redirects viewers from the map in memory')
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <number>', 'the port; 0 = any free one', portOption, 8080)
    .option('--geo <file>', 'a GeoIP file (.mmdb, of countries or cities) that tells where viewers are')
    .option('--trust <network>', 'a proxy whose X-Forwarded-… is believed; may be given several times', several, [])
    .addHelpText(
      'after',
      '\nA new build, or a new GeoIP file, is taken over within a second, or at SIGHUP. Ctrl-C or SIGTERM ends it when the\nrequests under way are answered. Without --geo the country is that of the header CloudFront-Viewer-Country.',
    )
    .action((options: SharedOptions & EdgeOptions) =>
      inContext(options, (context) => edge(context, options), ['SIGINT', 'SIGTERM']),
    );
}

async function edge(context: Context, { host, port, geo, trust }: EdgeOptions): Promise<void> {
  const { startEdgeServer } = await import('../../edge-shim/server.ts');
  const server = await startEdgeServer({
    keysFile: outputLayout.edgeKeys(context.output),
    fallback: context.config().fallback,
    host,
    port,
    trustedProxies: trust,
    geoFile: geo ?? null,
    note: context.progress.note,
  });
  const reload = () => server.reload();
  process.on('SIGHUP', reload);
  try {
    context.print({ edge: server.url }, `edge: ${server.url}\nCtrl-C ends it.`);
    await untilInterrupted(context);
  } finally {
    await server.close();
    process.off('SIGHUP', reload);
  }
}
