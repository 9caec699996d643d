#!/usr/bin/env node
// Node 22.18 and newer runs TypeScript by itself; on older ones tsx does.
if (!process.features.typescript) {
  const { register } = await import('tsx/esm/api');
  register();
}
const { main } = await import('./redirector.ts');
await main(process.argv.slice(2));
