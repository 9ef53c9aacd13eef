import { eventually } from '@sluice/testkit'
import { expect } from 'vitest'

/** Waits until a value no longer changes, and resolves with it. */
export async function untilStable(figure: () => number): Promise<number> {
  let before = figure()
  let quiet = 0
  await eventually(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    quiet = figure() === before ? quiet + 1 : 0
    before = figure()
    expect(quiet).toBeGreaterThan(50)
  })
  return before
}
