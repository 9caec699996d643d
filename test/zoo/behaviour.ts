import type { Entry } from '../../checker/testing/collect.ts';
import type { Protocol } from '../../core/mirror.ts';
import type { Program } from '../debian-packages.ts';
import type { ZooObject, ZooTree } from './zoo-tree.ts';

/**
 * What is true of an object for a viewer who asks the server for it. unproven: nobody can tell from the answers, so
 * any evidence is wrong.
 */
export type Truth = 'present' | 'absent' | 'different' | 'unproven';

/** A server that is up. */
export interface Started {
  /** Of the access point, with a trailing slash. */
  readonly url: string;
  /** What lets the checker in; missing where anybody may. */
  readonly entry?: Entry;
  /** Leaves no socket, no process and no file behind. */
  close(): Promise<void>;
  /** Connections that clients hold open; missing where the server cannot tell. */
  readonly open?: () => number;
  /** What went wrong at the server's side that no observation shows, each a sentence: a host that was asked in vain. */
  readonly complaints?: () => readonly string[];
  /** The check runs in a process of its own with these added to its environment: what it must trust. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What must come of it, beside that nothing wrong is recorded. */
export interface Demand {
  readonly state: 'up' | 'failing' | 'down' | 'any';
  /** The objects of which the truth must be recorded; the others must have failed or be recorded rightly. */
  readonly proven: (object: ZooObject) => boolean;
  /** What the reason of every check that failed is like, and that of the access point where it is not up. */
  readonly reason?: RegExp;
}

/** A way in which a server behaves, well or badly. */
export interface Behaviour {
  /** Unique: what the server does. */
  readonly name: string;
  readonly protocol: Protocol;
  /** Programs without which it is skipped. */
  readonly programs?: readonly Program[];
  readonly start: (zoo: ZooTree) => Promise<Started>;
  readonly truth: (object: ZooObject) => Truth;
  readonly demand: Demand;
  /** The checker's; as long as it can be where nothing is waited for, because the machine may be busy. Default: 5,000. */
  readonly timeoutMs?: number;
  /** Longest duration of the check: a machine with much else to do may take so long. Default: 120,000. */
  readonly deadlineMs?: number;
  /** It asks not to be asked: what it was not asked for stays unknown, and nothing else does. */
  readonly isLeftAlone?: boolean;
  /** It sends without end: the check runs in a process of its own, whose memory must stay bounded. */
  readonly isGreedy?: boolean;
}

/** What the mirror's own copy is, served as it should be. */
export const asCopied = (object: ZooObject): Truth => object.copy;
export const unproven = (): Truth => 'unproven';
/** A file that is there cannot be proven, all else can. */
export const filesUnproven = (object: ZooObject): Truth =>
  object.copy === 'absent' || object.isDirectory ? object.copy : 'unproven';
/** What is there nobody gets. */
export const onlyAbsent = ({ copy }: ZooObject): Truth => (copy === 'absent' ? 'absent' : 'unproven');
export const all = (): boolean => true;
export const none = (): boolean => false;

/** Everything is found out in spite of it. */
export const ALL_PROVEN: Demand = { state: 'up', proven: all };
/** Nothing can be learnt, and the reason says why. */
export const downBecause = (reason: RegExp): Demand => ({ state: 'down', proven: none, reason });
