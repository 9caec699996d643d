import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Where `.ci/run` wants the counts: a file for vitest's JSON report.
const report = process.env['REDIRECTOR_TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules', 'output'],
    globalSetup: ['test/global-setup.ts'],
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    // Most wait for servers: a worker for each core, though one of two would be vitest's choice.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
