#!/usr/bin/env node
import { compiledProgram } from './cli/compiled.js';

let program = await compiledProgram();
if (program === null) {
  // Node 22.18 and newer runs TypeScript by itself; on older ones tsx does.
  if (!process.features.typescript) (await import('tsx/esm/api')).register();
  program = './redirector.ts';
}
const { main } = await import(program);
await main(process.argv.slice(2));
