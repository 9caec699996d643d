/** The protocols of access points; a checker method says which of them it serves. */
export const PROTOCOLS = ['https', 'http', 'rsync', 'ftp', 'sftp'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Where a mirror stands. */
export interface Place {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country: string;
  /** Degrees; the country's middle where nothing better is known. */
  readonly latitude: number;
  readonly longitude: number;
}

/** One URL root of a mirror. */
export interface AccessPoint {
  /** Stable, unique, safe as a file name: `<mirror id>.<protocol>`. */
  readonly id: string;
  readonly mirrorId: string;
  readonly protocol: Protocol;
  /** Absolute, with a trailing slash, without a user. */
  readonly url: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** The mirror says that it does not hold the whole tree. */
  readonly partial: boolean;
  /** How it is entered; over sftp alone. Never published. */
  readonly login?: SftpLogin;
}

/** How an access point over SFTP is entered, beside the private key. */
export interface SftpLogin {
  readonly user: string;
  /** Of the host's key, as `ssh-keygen -l` prints it: `SHA256:` and 43 characters of base64. */
  readonly hostKeySha256: string;
}

/** An organisation's copy of the tree. */
export interface Mirror {
  /** Stable: the host of its preferred http(s) URL, or what the overrides file says. */
  readonly id: string;
  readonly name: string;
  /** At least one; several for an anycast mirror. */
  readonly places: readonly Place[];
  /** Share of its tier's load, relative to 1. */
  readonly weight: number;
  /** A drained mirror is checked but gets no viewers. */
  readonly drained: boolean;
  /** ISO 3166-1 codes: it wants viewers of these countries alone; none given = of all. */
  readonly only?: readonly string[];
  /** It wants no viewers of these countries. */
  readonly never?: readonly string[];
  /** In CIDR form: it serves viewers of these networks alone, and before all other mirrors; none given = everybody. */
  readonly networks?: readonly string[];
  /** At least one. */
  readonly accessPoints: readonly AccessPoint[];
}

/** The mirror list as the other stages read it (`output/inventory/mirrors.json`). */
export interface MirrorList {
  readonly version: 1;
  readonly takenAtMs: number;
  readonly mirrors: readonly Mirror[];
  /** Entries that were mended, left out or not supported, each a sentence that names the entry. */
  readonly notes: readonly string[];
}
