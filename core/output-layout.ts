import { join } from 'node:path';

/** Where each file lies below the output folder; the one place that knows. */
export const outputLayout = {
  inventory: (output: string) => join(output, 'inventory', 'inventory.msgpack'),
  mirrors: (output: string) => join(output, 'inventory', 'mirrors.json'),
  masterFiles: (output: string) => join(output, 'inventory', 'master-files.json'),
  /** Folded, or of probes without a vantage; with one, what that vantage found. */
  liveness: (output: string, vantage = '') =>
    vantage === '' ? join(output, 'liveness.json') : join(output, 'liveness', `${vantage}.json`),
  /** Which hosts asked those who run without a vantage, or the vantage, not to ask them for a while. */
  hosts: (output: string, vantage = '') =>
    vantage === '' ? join(output, 'hosts.json') : join(output, 'hosts', `${vantage}.json`),
  hostsFolder: (output: string) => join(output, 'hosts'),
  livenessFolder: (output: string) => join(output, 'liveness'),
  /** What the store of the state was last known to hold. */
  storeMemory: (output: string) => join(output, 'store.json'),
  /** The lock of the commands that write. */
  lock: (output: string) => join(output, 'lock.json'),
  /** Merged, or of checks without a vantage; with one, what that vantage found. */
  observations: (output: string, accessPointId: string, vantage = '') =>
    join(output, 'observations', vantage, `${accessPointId}.msgpack`),
  observationsFolder: (output: string) => join(output, 'observations'),
  historyFolder: (output: string) => join(output, 'history'),
  history: (output: string, accessPointId: string, vantage = '') =>
    join(output, 'history', vantage, `${accessPointId}.json`),
  objectTable: (output: string) => join(output, 'maps', 'objects.msgpack'),
  map: (output: string, region: string) => join(output, 'maps', `${region}.msgpack`),
  edgeFunction: (output: string) => join(output, 'edge', 'function.js'),
  edgeKeys: (output: string) => join(output, 'edge', 'kvs.json'),
  edgeLambda: (output: string) => join(output, 'edge', 'lambda.zip'),
  edgeOpenFaas: (output: string) => join(output, 'edge', 'openfaas', 'handler.js'),
  edgeOpenFaasKeys: (output: string) => join(output, 'edge', 'openfaas', 'kvs.json'),
  edgeNginx: (output: string) => join(output, 'edge', 'nginx', 'redirector.js'),
  edgeNginxKeys: (output: string) => join(output, 'edge', 'nginx', 'keys.json'),
  edgeNginxConfig: (output: string) => join(output, 'edge', 'nginx', 'redirector.conf'),
  /** What was last known of an edge's keys, by the target's name: spares reading them at every publication. */
  edgeState: (output: string, target: string) => join(output, 'publish', `${target}.msgpack`),
  siteData: (output: string) => join(output, 'site-data', 'status.json'),
  site: (output: string) => join(output, 'site'),
} as const;

/** The folders, relative to the output folder, in which files of the layout lie; those of vantages are named below. */
export const OUTPUT_FOLDERS = [
  'inventory',
  'observations',
  'history',
  'liveness',
  'hosts',
  'maps',
  'edge',
  'edge/openfaas',
  'edge/nginx',
  'publish',
  'site-data',
] as const;

/** Of these, those with a folder for each vantage. */
export const FOLDERS_BY_VANTAGE: readonly string[] = ['observations', 'history'];
