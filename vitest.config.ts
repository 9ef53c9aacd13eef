import { configDefaults, defineConfig } from 'vitest/config'

// Installs its packages apart: `npm run test:clients`.
const exclude = [...configDefaults.exclude, 'test/clients/**']

/** Starts PostgreSQL and finds nats-server, once for the run of a project. */
const globalSetup = ['libs/testkit/src/global-setup.ts']

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          // Beside the source; no servers, processes or databases. Files share a worker: leave no global state behind.
          name: 'unit',
          include: ['{libs,services,tools,deploy,benchmarks}/**/*.test.ts'],
          exclude: [...exclude, '**/test/**'],
          isolate: false,
          // Nothing in them waits, so that only a loop without end takes long; some properties take a minute on a busy machine.
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          // Real NATS, PostgreSQL and HTTP servers.
          name: 'integration',
          include: ['{libs,services,tools,deploy,benchmarks}/**/test/**/*.test.ts'],
          exclude,
          globalSetup,
        },
      },
      {
        extends: true,
        test: {
          // The whole system as processes, which are also killed.
          name: 'system',
          include: ['test/src/**/*.test.ts'],
          exclude,
          globalSetup,
        },
      },
    ],
  },
})
