import { expect, it } from 'vitest'
import { pause, within } from './pause.ts'

it('pauses for the given time', async () => {
  const startedMs = performance.now()
  await pause(30, new AbortController().signal)
  // Timers count whole milliseconds from the loop's own time.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(28)
})

it('ends a pause when its signal is aborted, before or during it', async () => {
  const stopping = new AbortController()
  const paused = pause(60_000, stopping.signal)
  stopping.abort(new Error('whatever the reason'))
  await paused
  await pause(60_000, stopping.signal)
})

it('rejects with an error that is not an abort', async () => {
  await expect(pause(1, 'none' as unknown as AbortSignal)).rejects.toThrow(TypeError)
})

it('waits for work no longer than its deadline, and returns whether it was done', async () => {
  const never = Promise.withResolvers<void>()
  expect(await within(20, never.promise)).toBe(false)
  expect(await within(60_000, Promise.resolve('done'))).toBe(true)
  await expect(within(60_000, Promise.reject(new TypeError('broken')))).rejects.toThrow(TypeError)
})
