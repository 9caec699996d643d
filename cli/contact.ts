import { isLoopbackHost } from '../checker/net/host-budget.ts';
import type { Mirror } from '../core/mirror.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';

/** Notes where mirrors of others are about to be asked, and their administrators are not told whom to turn to. */
export function noteMissingContact(
  { progress }: Pick<Context, 'progress'>,
  { contact }: Pick<Config, 'contact'>,
  mirrors: readonly Mirror[],
): void {
  const isOurs = ({ url }: { readonly url: string }) => isLoopbackHost(new URL(url).hostname);
  if (contact !== '' || mirrors.every(({ accessPoints }) => accessPoints.every(isOurs))) return;
  progress.note(
    'check.contact is not set: whoever finds our requests in a log cannot reach anyone; set it to a URL in the configuration',
  );
}
