const MOST = 8;

/**
 * Counts interim answers (1xx; RFC 9110, 15.2) of one request. They restart undici's timer: an endless row of them would
 * hold a connection for ever.
 */
export class Interim {
  #seen = 0;

  begin(): void {
    this.#seen = 0;
  }

  /** One more came. */
  isTooMany(): boolean {
    return ++this.#seen > MOST;
  }
}
