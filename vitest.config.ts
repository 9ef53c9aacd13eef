import { configDefaults, defineConfig } from 'vitest/config'
import { compileCacheDir } from './libs/local-servers/src/service-process.ts'

// Each worker loads the services. Node reads this when it starts, so that it has to be in the environment of the workers' process.
process.env.NODE_COMPILE_CACHE ??= compileCacheDir

// Installs its packages apart: `npm run test:clients`.
const exclude = [...configDefaults.exclude, 'test/clients/**']

/** Starts PostgreSQL and finds nats-server, once for the run of a project. */
const globalSetup = ['libs/testkit/src/global-setup.ts']

export default defineConfig({
  test: {
    // A machine may be busy with other things: these end a test that hangs.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Node runs the sources as they are, as it does outside of tests.
    experimental: { viteModuleRunner: false },
    // Files share a worker, as loading the services takes longer than most files: leave no global state behind.
    isolate: false,
    projects: [
      {
        extends: true,
        test: {
          // Beside the source; no servers, processes or databases.
          name: 'unit',
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          include: ['{libs,services,tools,deploy,benchmarks}/**/*.test.ts'],
          exclude: [...exclude, '**/test/**'],
          // Nothing in them waits, so that only a loop without end takes long; some properties take a minute on a busy machine.
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          // Real NATS, PostgreSQL and HTTP servers.
          name: 'integration',
          // On two cores, as the tests wait for servers half of the time.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
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
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
          include: ['test/src/**/*.test.ts'],
          exclude,
          globalSetup,
        },
      },
    ],
  },
})
