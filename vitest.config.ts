import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{libs,services,tools,deploy,test,apps,benchmarks}/**/*.test.ts'],
    // Its packages are installed apart: `npm run test:clients`.
    exclude: [...configDefaults.exclude, 'test/clients/**'],
    globalSetup: ['libs/testkit/src/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
