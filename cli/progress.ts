import cliProgress from 'cli-progress';
import { type Progress, silentProgress, type Task } from '../core/progress.ts';

const PLAIN_INTERVAL_MS = 10_000;

/** Bars with rate and time left on a terminal, a line now and then elsewhere, nothing when quiet. All on stderr. */
export function progressFor(quiet: boolean, stream: NodeJS.WriteStream = process.stderr): Progress & { stop(): void } {
  if (quiet) return { ...silentProgress, stop() {} };
  return stream.isTTY ? bars(stream) : lines(stream);
}

function bars(stream: NodeJS.WriteStream): Progress & { stop(): void } {
  const multi = new cliProgress.MultiBar(
    {
      stream,
      format: '{label} {bar} {percentage}% · {value}/{total} {unit} · {rate}/s · {left} left',
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      fps: 8,
      etaBuffer: 200,
      emptyOnZero: true,
      formatValue: (value, _options, type) =>
        type === 'value' || type === 'total' ? value.toLocaleString('en') : String(value),
    },
    cliProgress.Presets.shades_classic,
  );
  return {
    start(label, total, unit) {
      const startedMs = Date.now();
      let done = 0;
      const bar = multi.create(total, 0, { label: label.padEnd(10), unit, rate: '0', left: '?' });
      const figures = () => {
        const perSecond = done / Math.max(0.001, (Date.now() - startedMs) / 1000);
        const left = perSecond > 0 ? (bar.getTotal() - done) / perSecond : Number.NaN;
        return { rate: Math.round(perSecond).toLocaleString('en'), left: Number.isNaN(left) ? '?' : seconds(left) };
      };
      return {
        advance(steps) {
          done += steps;
          bar.update(done, figures());
        },
        setTotal: (most) => bar.setTotal(most),
        end() {
          bar.stop();
          multi.remove(bar);
        },
      };
    },
    note: (line) => multi.log(`${line}\n`),
    stop: () => multi.stop(),
  };
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
          const of = most > 0 ? ` of ${most.toLocaleString('en')}` : '';
          stream.write(`${label}: ${done.toLocaleString('en')}${of} ${unit}, ${rate.toLocaleString('en')}/s\n`);
        },
        setTotal(more) {
          most = more;
        },
        end() {
          const took = ((Date.now() - startedMs) / 1000).toFixed(1);
          stream.write(`${label}: ${done.toLocaleString('en')} ${unit} in ${took} s\n`);
        },
      };
    },
    note: (line) => stream.write(`${line}\n`),
    stop() {},
  };
}
