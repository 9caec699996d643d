import { FormatError, messageOf } from '../errors.ts';
import type { Status } from '../status.ts';

const WAY_OUT = 'run "redirector build"';
// An id becomes a file's name and a link on the site.
const MIRROR_ID = /^[a-z0-9._-]+$/;

/** `output/site-data/status.json` (docs/formats.md). */
export function encodeStatus(status: Status): string {
  return `${JSON.stringify(status)}\n`;
}

/**
 * Throws FormatError where the text is not a status of this version, or a mirror's id is no safe name or stands
 * twice; `file` is named in its message.
 */
export function decodeStatus(text: string, file: string): Status {
  let status: Partial<Status>;
  try {
    status = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${file}: ${messageOf(error)}; ${WAY_OUT}`);
  }
  if (status?.version !== 1 || !Array.isArray(status.mirrors) || !status.totals) {
    throw new FormatError(`${file}: not a status of version 1; ${WAY_OUT}`);
  }
  const ids = new Set<string>();
  for (const { id } of (status as Status).mirrors) {
    if (typeof id !== 'string' || !MIRROR_ID.test(id)) {
      throw new FormatError(`${file}: ${JSON.stringify(id)} is no mirror id; ${WAY_OUT}`);
    }
    if (ids.has(id)) throw new FormatError(`${file}: two mirrors have the id ${id}; ${WAY_OUT}`);
    ids.add(id);
  }
  return withWhatIsNewer(status as Status);
}

/** Of a file from before these were told: nothing is known of them. */
function withWhatIsNewer(status: Status): Status {
  const mirrors = status.mirrors.map((mirror) => ({
    ...mirror,
    accessPoints: mirror.accessPoints.map((point) => ({ ...NOT_TOLD, ...point })),
  }));
  return { ...status, mirrors };
}

const NOT_TOLD = { probe: null, vantages: [], history: [] };
