/** Where long work tells how far it is. The command line draws it; tests and quiet runs ignore it. */
export interface Progress {
  /** Starts a task of `total` steps (0 = not known yet). `unit` is a plural noun: "objects". */
  start(label: string, total: number, unit: string): Task;
  /** A line for people: what was found, what went wrong. */
  note(line: string): void;
}

export interface Task {
  advance(steps: number): void;
  /** For totals that become known or grow on the way. */
  setTotal(total: number): void;
  end(): void;
}

const silentTask: Task = { advance() {}, setTotal() {}, end() {} };

/** Tells nobody. */
export const silentProgress: Progress = { start: () => silentTask, note() {} };
