import * as z from 'zod';
import { canonicalRequestPath } from '../core/path.ts';

/** What the operator wants of all redirects: the table `[edge]`. */
export interface EdgeConfig {
  /** Viewers over http are sent to https mirrors. */
  readonly upgrade: boolean;
  /** Folders of the tree, each with a trailing slash, of whose links `NAME` to `XX/NAME` the edge may answer the target. */
  readonly aliases: readonly string[];
}

/** The table with its defaults, as a configuration file has it. */
export const EDGE_DEFAULTS_TEXT = `[edge]
upgrade = false                                  # lead viewers who come over http to https mirrors
aliases = ["distfiles/"]                         # folders whose links NAME to XX/NAME may be answered with their target
`;

const FOLDER = 'allowed: a folder of the tree with its slash, like "distfiles/"';
const folder = z
  .string({ error: FOLDER })
  .refine((path) => path.endsWith('/') && canonicalRequestPath(path) === path, { error: FOLDER });

export const edgeSchema = z
  .strictObject(
    {
      upgrade: z.boolean({ error: 'allowed: true, false' }).default(false),
      aliases: z.array(folder, { error: 'allowed: a list of folders like ["distfiles/"]' }).default(['distfiles/']),
    },
    { error: 'allowed: a table of keys' },
  )
  .prefault({});
