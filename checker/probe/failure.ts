/** Why an access point is of no use, as a sentence for its administrator. Thrown within the probe of one family. */
export class ProbeFailure extends Error {
  override name = 'ProbeFailure';
}
