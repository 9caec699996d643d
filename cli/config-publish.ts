import * as z from 'zod';
import { table, text } from '../core/toml-values.ts';
import { sftpKeys } from './config-sftp.ts';
import { duration, name, twinProblems } from './config-values.ts';

/** The keys of `[publish]` with their defaults, as `redirector config --print-defaults` prints them. */
export const PUBLISH_DEFAULTS_TEXT = `
[publish]
keep = 5                                         # releases that stay at an origin, to roll back to
objects_lost = 0.1                               # guards: share of the objects that may be gone since the last publication
presence_lost = 0.2                              # share of what was present, or held by a mirror that is up, that may be gone
candidates_lost = 0.5                            # share of its candidates that a region may have lost
unknown_gained = 0.1                             # by how much the share that nothing is known of may have grown
evidence_age = "7d"                              # how old half of the evidence may be
verify_patience = "3m"                           # how long --verify-url waits for the new map

# Where releases go. With none, to the folder "published" in the output folder, from which "serve" serves.
# [[publish.target]]
# name = "here"
# type = "directory"
# folder = "/srv/redirector"
#
# [[publish.target]]
# name = "origin"
# type = "sftp"
# url = "sftp://publisher@www.example.org/srv/redirector"
# key = "id_ed25519"                             # a private key without a passphrase; without it the ssh-agent is asked
# host_key = "SHA256:…"                          # what "ssh-keygen -l" prints for the host's key; required
#
# [[publish.target]]
# name = "edge"
# type = "cloudfront"                            # credentials come from the environment, a profile or a role, never from here
# store = "redirector"                           # the KeyValueStore; created where it is missing
# function = "redirector"                        # the function; created where it is missing
# distribution = "E2EXAMPLE1ABCD"                # whose pages of the site are invalidated; optional
# invalidate = "paths"                           # the pages that changed, $0.005 each; "site": all as one path; or "none"
`;

const share = (byDefault: number) => {
  const error = 'allowed: a share from 0 to 1';
  return z.number({ error }).min(0, { error }).max(1, { error }).default(byDefault);
};
const SFTP_URL = 'allowed: a URL sftp://user@host/path, of a folder of its own';

const directory = z.strictObject({ name, type: z.literal('directory'), folder: text('a folder') }, table);

const sftp = z.strictObject(
  {
    name,
    type: z.literal('sftp'),
    url: z.string({ error: SFTP_URL }).refine(isSftpUrl, { error: SFTP_URL }),
    key: sftpKeys.key,
    host_key: sftpKeys.host_key.unwrap(),
  },
  table,
);

const AWS_NAME = 'allowed: a name of letters, digits, hyphens and underscores, at most 64';
const awsName = z
  .string({ error: AWS_NAME })
  .regex(/^[a-zA-Z0-9-_]{1,64}$/, { error: AWS_NAME })
  .default('redirector');
const DISTRIBUTION = 'allowed: the id of a distribution like "E2EXAMPLE1ABCD"';

const cloudfront = z.strictObject(
  {
    name,
    type: z.literal('cloudfront'),
    store: awsName,
    function: awsName,
    distribution: z
      .string({ error: DISTRIBUTION })
      .regex(/^E[A-Z0-9]{6,20}$/, { error: DISTRIBUTION })
      .optional(),
    invalidate: z.enum(['paths', 'site', 'none'], { error: 'allowed: "paths", "site" or "none"' }).default('paths'),
  },
  table,
);

function isSftpUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password, hostname, pathname, search, hash } = new URL(url);
  const isPlain = password === '' && search === '' && hash === '';
  return protocol === 'sftp:' && isPlain && username !== '' && hostname !== '' && pathname.length > 1;
}

/** A kind of target is a line here, and one in cli/publish-targets.ts. */
const target = z.discriminatedUnion('type', [directory, sftp, cloudfront], {
  error: 'allowed: type = "directory", "sftp" or "cloudfront"',
});

export type TargetConfig = z.infer<typeof target>;

/** `[publish]`. */
export const publishSchema = z
  .strictObject(
    {
      keep: z
        .int({ error: 'allowed: a whole number from 2' })
        .min(2, { error: 'allowed: a whole number from 2' })
        .default(5),
      objects_lost: share(0.1),
      presence_lost: share(0.2),
      candidates_lost: share(0.5),
      unknown_gained: share(0.1),
      evidence_age: duration.prefault('7d'),
      verify_patience: duration.prefault('3m'),
      target: z
        .array(target, { error: 'allowed: [[publish.target]] tables, each with "name" and "type"' })
        .superRefine((all, context) => {
          for (const problem of twinProblems(all)) context.addIssue({ code: 'custom', ...problem });
        })
        .default([]),
    },
    table,
  )
  .prefault({});

export interface PublishConfig {
  readonly keep: number;
  readonly thresholds: {
    readonly objectsLost: number;
    readonly presenceLost: number;
    readonly candidatesLost: number;
    readonly unknownGained: number;
    readonly evidenceAgeMs: number;
  };
  readonly verifyPatienceMs: number;
  /** In the order of the file, no name twice; files and folders are absolute paths. */
  readonly targets: readonly TargetConfig[];
}

/** `located` makes a path that is relative to the configuration's file absolute. */
export function publishConfigOf(
  parsed: z.infer<typeof publishSchema>,
  located: (path: string) => string,
): PublishConfig {
  return {
    keep: parsed.keep,
    thresholds: {
      objectsLost: parsed.objects_lost,
      presenceLost: parsed.presence_lost,
      candidatesLost: parsed.candidates_lost,
      unknownGained: parsed.unknown_gained,
      evidenceAgeMs: parsed.evidence_age,
    },
    verifyPatienceMs: parsed.verify_patience,
    targets: parsed.target.map((one) => {
      if (one.type === 'directory') return { ...one, folder: located(one.folder) };
      return one.type === 'cloudfront' || one.key === undefined ? one : { ...one, key: located(one.key) };
    }),
  };
}
