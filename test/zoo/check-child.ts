import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeInventory } from '../../core/formats/inventory-file.ts';
import { type CheckInput, runOne } from './check.ts';

// A check in a process of its own: what it is told comes as JSON, what came of it goes out as JSON.
const input = JSON.parse(process.argv[2] as string) as CheckInput;
const file = join(input.output, 'zoo-inventory');
const inventory = decodeInventory(readFileSync(file), file);
// Loaded before the measure is taken: the code's own size is no growth.
await import('undici');
const startBytes = process.memoryUsage.rss();
let mostBytes = startBytes;
// The system's own high-water mark begins with that of the process that started this one.
const watch = setInterval(() => {
  mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
}, 5);
const notes: string[] = [];
await runOne(inventory, input, new AbortController().signal, (line) => notes.push(line));
clearInterval(watch);
process.stdout.write(JSON.stringify({ notes, grownBytes: mostBytes - startBytes }));
