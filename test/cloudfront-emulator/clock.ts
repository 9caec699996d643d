/** A clock that stands until somebody sleeps by it. */
export class FakeClock {
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs = (): number => this.#nowMs;

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  sleep = async (ms: number): Promise<void> => {
    this.#nowMs += ms;
  };
}
