import { outputLayout } from '../output-layout.ts';
import { decodeHistory } from './history-file.ts';
import { decodeHosts } from './hosts-file.ts';
import { decodeInventory } from './inventory-file.ts';
import { decodeLiveness } from './liveness-file.ts';
import { decodeObjectTable } from './map-file.ts';
import { decodeMasterFiles } from './master-files.ts';
import { decodeMirrors } from './mirrors-file.ts';
import { throwUnlessObservations } from './observations-file.ts';

type Decode = (bytes: Buffer, file: string) => unknown;

const ofText =
  (decode: (text: string, file: string) => unknown): Decode =>
  (bytes, file) =>
    decode(bytes.toString('utf8'), file);

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  [outputLayout.inventory(''), decodeInventory],
  [outputLayout.mirrors(''), ofText(decodeMirrors)],
  [outputLayout.masterFiles(''), ofText(decodeMasterFiles)],
  [outputLayout.liveness(''), ofText(decodeLiveness)],
  [outputLayout.hosts(''), ofText(decodeHosts)],
  [outputLayout.objectTable(''), decodeObjectTable],
]);

/** By the folder that has them, perhaps with folders in it. */
const DECODERS_IN: ReadonlyMap<string, Decode> = new Map([
  [outputLayout.observationsFolder(''), throwUnlessObservations],
  [outputLayout.historyFolder(''), ofText(decodeHistory)],
  [outputLayout.livenessFolder(''), ofText(decodeLiveness)],
  [outputLayout.hostsFolder(''), ofText(decodeHosts)],
]);

/**
 * Throws FormatError where the bytes are not a whole file as it should lie at `path` of an output folder, RunError where a
 * newer release wrote it; either names `file`. What the layout does not know is let pass.
 */
export function throwUnlessStateFile(path: string, bytes: Buffer, file: string): void {
  const decode = DECODERS.get(path) ?? DECODERS_IN.get(path.slice(0, path.indexOf('/')));
  decode?.(bytes, file);
}
