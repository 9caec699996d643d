import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Of Linux on all machines Node runs on (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

/** A command that is timed as a whole process. */
export interface Command {
  readonly label: string;
  readonly argv: readonly [string, ...string[]];
  /** Steps it takes, for a rate; 0 = no rate. */
  readonly steps: number;
  /** Done before each run, and not timed. */
  readonly prepare?: () => void;
}

export interface Figure {
  readonly label: string;
  readonly seconds: readonly number[];
  /** Of the processor, the command's and its children's, user and system; 0 where the kernel does not tell. */
  readonly cpuSeconds: readonly number[];
  readonly peakMegabytes: number;
  readonly steps: number;
  /** What the last run printed. */
  readonly stdout: string;
}

/** Runs each command once to warm up, then all in turn, `rounds` times, each in a process of its own. */
export async function measure(commands: readonly Command[], rounds: number): Promise<Figure[]> {
  const figures = commands.map(({ label, steps }) => ({
    label,
    steps,
    seconds: [] as number[],
    cpuSeconds: [] as number[],
    peakMegabytes: 0,
    stdout: '',
  }));
  for (let round = -1; round < rounds; round++) {
    for (const [i, command] of commands.entries()) {
      const run = await runOnce(command);
      const figure = figures[i] as (typeof figures)[number];
      figure.stdout = run.stdout;
      if (round < 0) continue;
      figure.seconds.push(run.seconds);
      figure.cpuSeconds.push(run.cpuSeconds);
      figure.peakMegabytes = Math.max(figure.peakMegabytes, run.peakMegabytes);
    }
  }
  return figures;
}

async function runOnce({
  label,
  argv,
  prepare,
}: Command): Promise<{ seconds: number; cpuSeconds: number; peakMegabytes: number; stdout: string }> {
  prepare?.();
  const cpuBefore = childrenCpuSeconds();
  const started = performance.now();
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  let peakMegabytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    if (stdout.length < 100_000) stdout += chunk.toString();
  });
  const poll = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, highWaterMark(child));
  }, 20);
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearInterval(poll);
  if (code !== 0) throw new Error(`${label}: exit code ${code}`);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, cpuSeconds: childrenCpuSeconds() - cpuBefore, peakMegabytes, stdout };
}

/** The kernel's own account of the most memory the process had so far; 0 where there is none. */
function highWaterMark(child: ChildProcess): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
    return (Number(kilobytes ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}

/** What all children that have ended took, by the kernel's account (proc_pid_stat(5): cutime and cstime, in ticks). */
function childrenCpuSeconds(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (
    ((sorted[Math.floor((sorted.length - 1) / 2)] as number) + (sorted[Math.ceil((sorted.length - 1) / 2)] as number)) /
    2
  );
}

/** A Markdown table row: median, spread, processor time, rate, memory. */
export function row({ label, seconds, cpuSeconds, steps, peakMegabytes }: Figure): string {
  const middle = median(seconds);
  const rate = steps === 0 ? '' : `${Math.round(steps / middle).toLocaleString('en')}/s`;
  const spread = `${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}`;
  return `| ${label} | ${middle.toFixed(2)} s | ${spread} | ${median(cpuSeconds).toFixed(2)} s | ${rate} | ${Math.round(peakMegabytes)} MB |`;
}

export const TABLE_HEAD =
  '| whole command | median | min–max | processor | rate | peak memory |\n|---|---|---|---|---|---|';
