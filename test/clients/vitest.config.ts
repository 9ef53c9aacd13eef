import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    // Every test has a connection of its own, and controls hold for that alone.
    sequence: { concurrent: true },
    // LangChain's integration of Google drops a promise that its SDK rejects beside the stream when that is aborted.
    onUnhandledError: ({ message }) => !message.startsWith('[GoogleGenerativeAI Error]: Error reading from the stream'),
  },
})
