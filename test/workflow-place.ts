import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { mirrorListXml } from './mirror-list.ts';
import { type Sshd, startSshd } from './servers/sshd.ts';
import { type RunnerOptions, type RunOptions, type RunResult, runWorkflow } from './workflow-runner.ts';

const project = fileURLToPath(new URL('../.github/', import.meta.url));
const COUNTRIES = ['DE', 'US', 'JP'];

/** The project's own workflows, with a host of their own for the store and for releases. */
export interface WorkflowPlace {
  /** Runs one of them (`maps.yml`), on machines that keep nothing. */
  run(file: string, options?: RunOptions & Pick<RunnerOptions, 'programs' | 'artifacts'>): Promise<RunResult>;
  close(): Promise<void>;
}

/**
 * All in one folder: the master's tree is `tree`, the store is `store`, releases go to `origin`. Of the mirrors, the URLs
 * of a German, an American and a Japanese one.
 */
export async function startWorkflowPlace(folder: string, mirrorUrls: readonly string[]): Promise<WorkflowPlace> {
  const checkout = join(folder, 'checkout');
  const sshd = await startSshd();
  mkdirSync(join(checkout, '.github'), { recursive: true });
  mkdirSync(join(folder, 'origin'));
  const mirrors = mirrorUrls.map((url, i) => ({ name: `m${i}`, country: COUNTRIES[i] as string, urls: [url] }));
  writeFileSync(join(folder, 'distfiles.xml'), mirrorListXml(mirrors));
  writeFileSync(join(checkout, '.github/redirector.toml'), configuration(folder, sshd));
  const { privateKey } = sshd;
  return {
    run: (file, { programs = {}, artifacts = {}, ...options } = {}) => {
      const secrets = { STORE_KEY: privateKey, ORIGIN_KEY: privateKey };
      const selfHostedEnv = { REDIRECTOR_STORE_KEY: privateKey };
      const runner = { folder, checkout, secrets, selfHostedEnv, programs, artifacts };
      return runWorkflow(join(project, 'workflows', file), runner, options);
    },
    close: () => sshd.close(),
  };
}

/** The project's own, with the places of this machine. */
function configuration(folder: string, sshd: Sshd): string {
  const sftp = `sftp://${sshd.user}@127.0.0.1:${sshd.port}${folder}`;
  const places: readonly (readonly [RegExp, string])[] = [
    [/^from = .*$/m, `from = "${folder}/tree"`],
    [/^list = .*$/m, `list = "${folder}/distfiles.xml"`],
    [/^at = .*$/m, `at = "${sftp}/store"`],
    [/^url = .*$/m, `url = "${sftp}/origin"`],
    [/^host_key = .*$/gm, `host_key = "${sshd.hostKeySha256}"`],
    [/^\[check\]$/m, '[check]\ntimeout = "2s"\ncheckpoint = "50ms"'],
    // Else the nearest vantage is not the only one.
    [/^(country = .*)$/gm, '$1\noverlap = 1'],
  ];
  return places.reduce(
    (before, [pattern, place]) => {
      expect(before).toMatch(pattern);
      return before.replace(pattern, place);
    },
    readFileSync(join(project, 'redirector.toml'), 'utf8'),
  );
}
