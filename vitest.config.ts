import { defineConfig } from 'vitest/config';

/** Runs that are mostly waiting, each with a lab of its own: two files at a time. The others measure, or build a real node. */
const IN_PAIRS = ['bad-input', 'interrupt', 'kill-nine', 'kubernetes-trouble', 'litmus', 'package', 'rbac', 'sentinel'].map(
  (name) => `test/e2e/${name}.test.ts`,
);

const PATIENT = { testTimeout: 600_000, hookTimeout: 600_000, maxConcurrency: 2 } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/support/property-seed.ts'],
          testTimeout: 10_000,
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], exclude: IN_PAIRS, fileParallelism: false, ...PATIENT } },
      { test: { name: 'e2e-pairs', include: IN_PAIRS, maxWorkers: 2, ...PATIENT } },
    ],
  },
});
