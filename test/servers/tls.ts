import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Files of a certificate, for 127.0.0.1, ::1 and localhost where nothing else is asked for, and of the authority that a client must trust for it. */
export interface Certificate {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface CertificateOptions {
  /** May be 0: it has expired when it is used; or -1: since a day. */
  readonly validDays?: number;
  /** As openssl writes them: `DNS:other.example,IP:192.0.2.1`. */
  readonly names?: string;
  /** Signed by itself, not by the authority. */
  readonly isSelfSigned?: boolean;
}

const OWN_NAMES = 'IP:127.0.0.1,IP:::1,DNS:localhost';

/** Makes a throw-away authority and a certificate signed by it with openssl, in a folder that is there. */
export async function makeCertificate(
  folder: string,
  { validDays = 2, names = OWN_NAMES, isSelfSigned = false }: CertificateOptions = {},
): Promise<Certificate> {
  const file = (name: string) => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const caFiles = ['-keyout', file('ca.key'), '-out', file('ca.pem')];
  const caUse = ['-addext', 'keyUsage=critical,keyCertSign'];
  await run('openssl', ['req', '-x509', ...newKey, ...caFiles, ...caUse, '-days', '2', '-subj', '/CN=Throw-away CA']);
  await run('openssl', [
    'req',
    ...newKey,
    '-keyout',
    file('key.pem'),
    '-out',
    file('csr.pem'),
    '-subj',
    '/CN=localhost',
  ]);
  await writeFile(file('extensions'), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
  const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
  const signer = isSelfSigned ? ['-signkey', file('key.pem')] : authority;
  const extensions = ['-extfile', file('extensions')];
  const signed = ['-in', file('csr.pem'), '-out', file('cert.pem'), '-days', String(validDays)];
  await run('openssl', ['x509', '-req', ...signed, ...signer, ...extensions]);
  return { caFile: file('ca.pem'), certificateFile: file('cert.pem'), keyFile: file('key.pem') };
}
