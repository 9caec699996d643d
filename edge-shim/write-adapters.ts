import { readFileSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { writeFileAtomic } from '../core/node/atomic-file.ts';
import { outputLayout } from '../core/output-layout.ts';
import { bundleNginx, bundleNode, lambdaPackage, PackageTooLarge } from './bundle.ts';
import { nginxConfig, nginxKeys } from './nginx-config.ts';

/**
 * Writes what other platforms than CloudFront Functions need below `output/edge/`, from the keys that lie there: the
 * Lambda@Edge package, the OpenFaaS function, and nginx' module with its keys and configuration. A map that is too large
 * for Lambda@Edge is told to `note`; the others have no bound.
 */
export async function writeAdapters(output: string, fallback: string, note: (line: string) => void): Promise<void> {
  const keysFile = outputLayout.edgeKeys(output);
  const keys = readFileSync(keysFile, 'utf8');
  try {
    writeFileAtomic(outputLayout.edgeLambda(output), await lambdaPackage(keys, fallback));
  } catch (error) {
    if (!(error instanceof PackageTooLarge)) throw error;
    // One of an earlier build would look like this one's.
    rmSync(outputLayout.edgeLambda(output), { force: true });
    note(`${error.message}; no package was written`);
  }
  writeFileAtomic(outputLayout.edgeOpenFaas(output), await bundleNode('openfaas', fallback));
  writeFileAtomic(outputLayout.edgeOpenFaasKeys(output), keys);
  const folder = resolve(dirname(outputLayout.edgeNginx(output)));
  writeFileAtomic(outputLayout.edgeNginx(output), await bundleNginx(fallback));
  writeFileAtomic(outputLayout.edgeNginxKeys(output), nginxKeys(keys, keysFile));
  writeFileAtomic(
    outputLayout.edgeNginxConfig(output),
    nginxConfig({ folder, listen: '80', trustedProxies: ['127.0.0.1'] }),
  );
}
