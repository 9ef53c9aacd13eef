import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { keepCharged } from './charge-keeper.ts'
import type { Permit } from './permit.ts'

const goesOn = vi.fn(() => false)
let renewedAtMs: number[]
let isCapacityThere: boolean
let chargedAgain: number
const permit: Permit = {
  departByMs: 0,
  renew: async () => {
    if (isCapacityThere) renewedAtMs.push(performance.now())
    return isCapacityThere
  },
  chargeAgain: () => {
    chargedAgain++
  },
  markServed: () => undefined,
  settle: () => undefined,
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], now: 0 })
  renewedAtMs = []
  isCapacityThere = true
  chargedAgain = 0
  goesOn.mockClear()
})

afterEach(() => {
  vi.useRealTimers()
})

it('renews the charge four times a minute while the request is being sent, and once at the end', async () => {
  const keeper = keepCharged(permit, goesOn)
  await vi.advanceTimersByTimeAsync(62_000)
  expect(renewedAtMs).toEqual([15_000, 30_000, 45_000, 60_000])
  await keeper.end()
  expect(renewedAtMs.at(-1)).toBe(62_000)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(renewedAtMs).toHaveLength(5)
  expect(goesOn).not.toHaveBeenCalled()
})

it('retries a renewal soon while capacity is unavailable, until it succeeds', async () => {
  const keeper = keepCharged(permit, goesOn)
  isCapacityThere = false
  await vi.advanceTimersByTimeAsync(25_000)
  isCapacityThere = true
  await vi.advanceTimersByTimeAsync(2_000)
  expect(renewedAtMs).toHaveLength(1)
  expect(goesOn).not.toHaveBeenCalled()
  await keeper.end()
})

it('reports that the charge lapses before it has left the shortest window', async () => {
  isCapacityThere = false
  keepCharged(permit, goesOn)
  await vi.advanceTimersByTimeAsync(44_000)
  expect(goesOn).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(goesOn).toHaveBeenCalledTimes(1)
})

it('keeps renewing the charge of a request that goes on while capacity is unavailable', async () => {
  goesOn.mockReturnValueOnce(true)
  isCapacityThere = false
  keepCharged(permit, goesOn)
  await vi.advanceTimersByTimeAsync(48_000)
  expect(goesOn).toHaveBeenCalled()
  isCapacityThere = true
  await vi.advanceTimersByTimeAsync(30_000)
  expect(renewedAtMs.length).toBeGreaterThanOrEqual(2)
})

it('charges a request again if the last renewal fails', async () => {
  const keeper = keepCharged(permit, goesOn)
  isCapacityThere = false
  await keeper.end()
  expect(chargedAgain).toBe(1)
})
