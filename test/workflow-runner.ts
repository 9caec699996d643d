import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** What GitHub's runner makes of a workflow's file, as far as our workflows use it. */

const root = fileURLToPath(new URL('..', import.meta.url));

type Value = string | boolean | number;
type Env = Readonly<Record<string, Value>>;
interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly env?: Env;
  readonly with?: Readonly<Record<string, Value>>;
}
interface Job {
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly 'runs-on': string | readonly string[];
  readonly strategy?: { readonly matrix: Readonly<Record<string, string>> };
  readonly env?: Env;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: {
    readonly workflow_dispatch?: { readonly inputs?: Readonly<Record<string, { default: Value }>> } | null;
  };
  readonly env?: Env;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface RunnerOptions {
  /** Workspaces are made here, a new and empty one for each job. */
  readonly folder: string;
  /** What a checkout brings. */
  readonly checkout: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
  /** Programs of the machine, by their names: shell scripts. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Artefacts of earlier runs, by their names. */
  readonly artifacts?: Readonly<Record<string, string>>;
  /** The own environment of self-hosted runners. */
  readonly selfHostedEnv: Readonly<Record<string, string>>;
}

export interface JobResult {
  /** `died`: the runner vanished, and no step came after. */
  readonly result: 'success' | 'failure' | 'skipped' | 'died';
  /** Of every step that was run: what was run, and what it printed. */
  readonly log: string;
  /** What its artefacts hold, by their names; folders. */
  readonly artifacts: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

/** By the job's name; with a matrix by `name (value)`. */
export type RunResult = Readonly<Record<string, JobResult>>;

export interface RunOptions {
  readonly inputs?: Readonly<Record<string, Value>>;
  /** Whether the machine of that job vanishes when this command has ended. */
  readonly vanishesAfter?: (job: string, command: string) => boolean;
}

/** Runs all jobs of a workflow, each after those that it needs. */
export async function runWorkflow(file: string, runner: RunnerOptions, options: RunOptions = {}): Promise<RunResult> {
  const workflow: Workflow = parse(readFileSync(file, 'utf8'));
  const wanted = Object.entries(workflow.on.workflow_dispatch?.inputs ?? {}).map(([name, input]) => [
    name,
    input.default,
  ]);
  const inputs = { ...Object.fromEntries(wanted), ...options.inputs };
  const needs: Record<string, { result: string; outputs: JobResult['outputs'] }> = {};
  const results: Record<string, JobResult> = {};
  for (const [name, job] of Object.entries(workflow.jobs)) {
    const context = {
      github: { event_name: 'workflow_dispatch', event: { repository: { fork: false }, workflow_run: {} } },
      inputs,
      needs,
      secrets: runner.secrets,
      vars: runner.vars ?? {},
    };
    const isReady = [job.needs ?? []].flat().every((needed) => needs[needed]?.result === 'success');
    const isWanted = job.if === undefined ? isReady : evaluated(job.if, { ...context, always: () => true }) === true;
    const [key, list] = Object.entries(job.strategy?.matrix ?? {})[0] ?? [];
    const values: unknown[] = !isWanted || list === undefined ? [null] : (evaluated(list, context) as unknown[]);
    const own: JobResult[] = [];
    for (const value of values) {
      const label = value === null ? name : `${name} (${value})`;
      const matrix = key === undefined ? {} : { [key]: value };
      const result = isWanted
        ? await runJob(job, { ...context, matrix }, { label, runner, workflowEnv: workflow.env ?? {}, ...options })
        : { result: 'skipped' as const, log: '', artifacts: {}, outputs: {} };
      own.push(result);
      results[label] = result;
    }
    const worst = own.every(({ result }) => result === 'success') ? 'success' : isWanted ? 'failure' : 'skipped';
    needs[name] = { result: worst, outputs: own[0]?.outputs ?? {} };
  }
  return results;
}

interface JobPlace extends RunOptions {
  readonly label: string;
  readonly runner: RunnerOptions;
  readonly workflowEnv: Env;
}

type Context = Readonly<Record<string, unknown>>;

/** What it makes ready is here, or is not needed here: a cache that is always empty, credentials of AWS. */
const NOTHING_TO_DO = /^(actions\/(setup-node|cache)|aws-actions\/configure-aws-credentials)@/;

/** A condition that does not ask how the job stands has `success()` before it. */
function isWantedStep(condition: string, context: Context): boolean {
  const asks = /\b(success|always|failure|cancelled)\(\)/.test(condition);
  return Boolean(evaluated(condition, context)) && (asks || evaluated('success()', context) === true);
}

async function runJob(job: Job, context: Context, place: JobPlace): Promise<JobResult> {
  const { runner, label } = place;
  const home = mkdtempSync(join(runner.folder, 'runner-'));
  const workspace = join(home, 'workspace');
  mkdirSync(workspace);
  const steps: Record<string, { outcome: string; outputs: Record<string, string> }> = {};
  const artifacts: Record<string, string> = {};
  let result: JobResult['result'] = 'success';
  let log = '';
  for (const step of job.steps) {
    const jobEnv = valuesOf({ ...place.workflowEnv, ...job.env }, context);
    const inside = { ...context, steps, env: jobEnv, success: () => result === 'success', always: () => true };
    if (!isWantedStep(step.if ?? 'success()', inside)) {
      if (step.id !== undefined) steps[step.id] = { outcome: 'skipped', outputs: {} };
      continue;
    }
    const isSelfHosted = [job['runs-on']].flat().includes('self-hosted');
    const env = {
      ...(isSelfHosted ? runner.selfHostedEnv : {}),
      ...valuesOf({ ...place.workflowEnv, ...job.env, ...step.env }, inside),
    };
    let code: number | null = 0;
    let outputs: Record<string, string> = {};
    if (step.run !== undefined) {
      const done = await runShell(substituted(step.run, inside), {
        home,
        workspace,
        env,
        programs: runner.programs ?? {},
      });
      ({ code, outputs } = done);
      log += `$ ${step.run}\n${done.printed}\n`;
      if (place.vanishesAfter?.(label, step.run) === true) return { result: 'died', log, artifacts, outputs: {} };
    } else if (step.uses?.startsWith('actions/checkout@')) {
      cpSync(runner.checkout, workspace, { recursive: true });
    } else if (step.uses?.startsWith('actions/upload-artifact@')) {
      const { name = '', path = '' } = valuesOf(step.with ?? {}, inside);
      artifacts[name] = uploaded(join(home, `artifact ${name}`), workspace, path);
    } else if (step.uses?.startsWith('actions/download-artifact@')) {
      const { name = '', path = '' } = valuesOf(step.with ?? {}, inside);
      // The folder that was uploaded is the artefact's root.
      cpSync(join(runner.artifacts?.[name] as string, path), join(workspace, path), { recursive: true });
    } else if (!NOTHING_TO_DO.test(step.uses ?? '')) throw new Error(`what is ${step.uses}?`);
    if (step.id !== undefined) steps[step.id] = { outcome: code === 0 ? 'success' : 'failure', outputs };
    if (code !== 0) result = 'failure';
  }
  const outputs = valuesOf(job.outputs ?? {}, { ...context, steps });
  rmSync(workspace, { recursive: true });
  return { result, log, artifacts, outputs };
}

interface Shell {
  readonly home: string;
  readonly workspace: string;
  readonly env: Readonly<Record<string, string>>;
  readonly programs: Readonly<Record<string, string>>;
}

/** As `shell: bash` is run; `npx redirector` is this project's, and `npm ci` has been done. */
async function runShell(command: string, { home, workspace, env, programs }: Shell) {
  const bin = join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  const npx = `#!/bin/sh\n[ "$1" = redirector ] && shift && exec "${process.execPath}" "${root}redirector.js" "$@"\n`;
  writeFileSync(join(bin, 'npx'), npx, { mode: 0o755 });
  writeFileSync(join(bin, 'npm'), '#!/bin/sh\n[ "$*" = ci ]\n', { mode: 0o755 });
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(bin, name), text, { mode: 0o755 });
  const script = join(home, 'step.sh');
  writeFileSync(script, command);
  const [output, summary] = [join(home, 'output'), join(home, 'summary')];
  writeFileSync(output, '');
  const { REDIRECTOR_STORE_KEY: _key, ...inherited } = process.env;
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
    cwd: workspace,
    env: {
      ...{ ...inherited, ...env, CI: 'true', GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary },
      PATH: `${bin}${delimiter}${process.env['PATH']}`,
    },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      printed += chunk;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  const lines = readFileSync(output, 'utf8').split('\n').filter(Boolean);
  const outputs = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  return { code, printed, outputs };
}

function uploaded(to: string, workspace: string, paths: string): string {
  const lines = paths.split('\n').filter(Boolean);
  for (const path of lines.filter((line) => !line.startsWith('!'))) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    cpSync(join(workspace, path), join(to, path), { recursive: true });
  }
  for (const path of lines.filter((line) => line.startsWith('!'))) {
    rmSync(join(to, path.slice(1)), { recursive: true, force: true });
  }
  return to;
}

function valuesOf(env: Env, context: Context): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, substituted(String(value), context)]));
}

function substituted(text: string, context: Context): string {
  return text.replace(/\$\{\{(.*?)\}\}/gs, (_, expression) => String(evaluated(expression, context) ?? ''));
}

/** Expressions of workflows, as far as ours use them, are JavaScript too. */
function evaluated(text: string, context: Context): unknown {
  const expression = /^\s*\$\{\{(.*)\}\}\s*$/s.exec(text)?.[1] ?? text;
  const names = { ...context, fromJSON: (json: string) => JSON.parse(json) };
  return new Function(...Object.keys(names), `return (${expression});`)(...Object.values(names));
}
