/**
 * How many requests may be under way on one connection to a host, as a pure function of what the host does. It begins
 * modestly, doubles while answers come in order and fast, as TCP's window does (RFC 5681), and falls at once.
 */
export interface DepthState {
  /** Requests under way on one connection, from 1 to `most`. */
  readonly depth: number;
  readonly most: number;
  /** Below it depth doubles; from there on it grows by an eighth. */
  readonly threshold: number;
  /** The fastest round so far. */
  readonly quickestMs: number;
}

export type DepthEvent =
  /** A request sent at this depth was answered, and so were all before it. */
  | { readonly type: 'round'; readonly latencyMs: number }
  /** The host ended a connection after so many answers. */
  | { readonly type: 'cut'; readonly answers: number }
  | { readonly type: 'timeout' }
  /** 429 or 503. */
  | { readonly type: 'refused' }
  /** Answers that are not those to the questions: out of order, or with a body where none may be. */
  | { readonly type: 'mismatch' };

/** A round that takes so much longer than the quickest has waited in the host's queue: no deeper. */
export const SLOW_MS = 250;
/** Here the queue is long: less deep. */
export const TOO_SLOW_MS = 1000;
/** A connection that lived for so many times its depth wasted little when it was cut. */
const LONG_LIFE = 4;

export function startDepth(first: number, most: number): DepthState {
  return { depth: Math.min(first, most), most, threshold: most, quickestMs: Number.POSITIVE_INFINITY };
}

export function nextDepth(state: DepthState, event: DepthEvent): DepthState {
  switch (event.type) {
    case 'round':
      return afterRound(state, event.latencyMs);
    case 'cut':
      return event.answers >= LONG_LIFE * state.depth ? state : halved(state);
    case 'timeout':
      return halved(state);
    case 'refused':
      return { ...state, depth: 1, threshold: halved(state).depth };
    case 'mismatch':
      return { ...state, depth: 1, most: 1, threshold: 1 };
    default:
      return event satisfies never;
  }
}

function afterRound(state: DepthState, latencyMs: number): DepthState {
  const { depth, most, threshold } = state;
  const quickestMs = Math.min(state.quickestMs, latencyMs);
  const waitedMs = latencyMs - quickestMs;
  if (waitedMs > TOO_SLOW_MS) return { ...state, quickestMs, depth: Math.max(1, Math.floor(depth * 0.75)) };
  if (waitedMs > SLOW_MS) return { ...state, quickestMs };
  const grown = depth < threshold ? Math.min(depth * 2, threshold) : depth + Math.max(1, Math.floor(depth / 8));
  return { ...state, quickestMs, depth: Math.min(grown, most) };
}

function halved(state: DepthState): DepthState {
  const depth = Math.max(1, Math.floor(state.depth / 2));
  return { ...state, depth, threshold: depth };
}
