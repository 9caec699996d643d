#!/usr/bin/env node
import { compiledProgram } from './cli/compiled.js';

const [, , ...argv] = process.argv;
const compiled = await compiledProgram(argv[0]);
if (compiled !== null) {
  await compiled.main(argv);
  compiled.keepCode();
} else {
  // Node 22.18 and newer runs TypeScript by itself; on older ones tsx does.
  if (!process.features.typescript) (await import('tsx/esm/api')).register();
  const { main } = await import('./redirector.ts');
  await main(argv);
}
