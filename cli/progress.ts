import cliProgress from 'cli-progress';
import { grouped } from '../core/grouped.ts';
import { type Progress, silentProgress, type Task } from '../core/progress.ts';

const PLAIN_INTERVAL_MS = 10_000;
/** What a bar with all its figures takes. */
const WIDE = 100;

/** Bars with rate and time left on a terminal, a line now and then elsewhere, nothing when quiet. All on stderr. */
export function progressFor(quiet: boolean, stream: NodeJS.WriteStream = process.stderr): Progress & { stop(): void } {
  if (quiet) return { ...silentProgress, stop() {} };
  return stream.isTTY ? bars(stream) : lines(stream);
}

/** Bars are there while a task is; between tasks notes go to the terminal as they are. */
function bars(stream: NodeJS.WriteStream): Progress & { stop(): void } {
  let multi: cliProgress.MultiBar | null = null;
  let active = 0;
  const stop = () => {
    // Notes that wait for the next drawing.
    multi?.update();
    multi?.stop();
    multi = null;
  };
  return {
    start(label, total, unit) {
      multi ??= multiBar(stream);
      active++;
      const bar = multi.create(total, 0, { label: label.padEnd(11), unit, rate: '0', left: '?' });
      const startedMs = Date.now();
      let done = 0;
      return {
        advance(steps) {
          done += steps;
          bar.update(done, figures(done, bar.getTotal(), Date.now() - startedMs));
        },
        setTotal: (most) => bar.setTotal(most),
        end() {
          bar.stop();
          multi?.remove(bar);
          if (--active === 0) stop();
        },
      };
    },
    note(line) {
      if (multi === null) stream.write(`${line}\n`);
      else multi.log(`${line}\n`);
    },
    stop,
  };
}

function multiBar(stream: NodeJS.WriteStream): cliProgress.MultiBar {
  const options: cliProgress.Options = {
    stream,
    format:
      (stream.columns ?? WIDE) < WIDE
        ? '{label} {percentage}% · {value}/{total} · {left} left'
        : '{label} {bar} {percentage}% · {value}/{total} {unit} · {rate}/s · {left} left',
    barsize: 24,
    clearOnComplete: true,
    hideCursor: true,
    // Bars are cut at the terminal's edge, notes never: a command in them must be whole.
    linewrap: true,
    fps: 8,
    emptyOnZero: true,
    formatValue: (value, _, type) => (type === 'value' || type === 'total' ? grouped(value) : String(value)),
  };
  return new cliProgress.MultiBar(options, cliProgress.Presets.shades_classic);
}

function figures(done: number, total: number, elapsedMs: number): { rate: string; left: string } {
  const perSecond = done / Math.max(0.001, elapsedMs / 1000);
  const left = perSecond > 0 ? seconds((total - done) / perSecond) : '?';
  return { rate: grouped(Math.round(perSecond)), left };
}

function seconds(value: number): string {
  return value < 90
    ? `${Math.ceil(value)} s`
    : value < 5400
      ? `${Math.round(value / 60)} min`
      : `${Math.round(value / 3600)} h`;
}

function lines(stream: NodeJS.WriteStream): Progress & { stop(): void } {
  return {
    start(label, total, unit): Task {
      const startedMs = Date.now();
      let saidMs = startedMs;
      let done = 0;
      let most = total;
      return {
        advance(steps) {
          done += steps;
          const nowMs = Date.now();
          if (nowMs - saidMs < PLAIN_INTERVAL_MS) return;
          saidMs = nowMs;
          const rate = Math.round(done / ((nowMs - startedMs) / 1000));
          const of = most > 0 ? ` of ${grouped(most)}` : '';
          stream.write(`${label}: ${grouped(done)}${of} ${unit}, ${grouped(rate)}/s\n`);
        },
        setTotal(more) {
          most = more;
        },
        end() {
          const took = ((Date.now() - startedMs) / 1000).toFixed(1);
          stream.write(`${label}: ${grouped(done)} ${unit} in ${took} s\n`);
        },
      };
    },
    note: (line) => stream.write(`${line}\n`),
    stop() {},
  };
}
