import { beforeEach, expect, it } from 'vitest'
import { createStoreHealth, type StoreHealth } from './store-health.ts'

const MIB = 1024 ** 2
const WRITE_FAILED = "JetStream failed to store a msg on stream '$G > KV_x': write 1.blk: no space left on device"

let lines: string[]
let health: StoreHealth

beforeEach(() => {
  lines = []
  health = createStoreHealth('/data/nats', (level, message) => lines.push(`${level} ${message}`))
})

/** Looks at a file system of 100 GiB. */
function look(freeMib: number, freeFiles: number | undefined = undefined): boolean {
  return health.space({ freeBytes: freeMib * MIB, sizeBytes: 100 * 1024 * MIB, freeFiles })
}

it('warns once when space is low, and says once that it no longer is', () => {
  for (const freeMib of [2_000, 1_000, 900, 1_030, 1_200, 2_000, 2_000]) look(freeMib)
  expect(lines).toEqual([
    '40 Disk space is low: 1000.0 MiB free of 100.0 GiB in /data/nats, less than 1.0 GiB. Requests get 503 when it is full.',
    '30 Disk space is no longer low: 2.0 GiB free of 100.0 GiB in /data/nats',
  ])
})

it('says what to do when a write failed for lack of space, and that once', () => {
  expect([health.line(WRITE_FAILED), health.line(WRITE_FAILED), health.line(WRITE_FAILED)]).toEqual([false, true, true])
  health.probed({ status: 'failed', reason: 'no space left on device' })
  for (const freeMib of [0, 0, 1]) look(freeMib)
  expect(lines.filter((line) => line.startsWith('50'))).toEqual([
    '50 The disk is full: NATS stores nothing, and requests get 503. 0 bytes free of 100.0 GiB in /data/nats; ' +
      'free at least 128.0 MiB: NATS then restarts by itself, and requests succeed again.',
  ])
})

it('notices from its own probe that the disk is full', () => {
  health.probed({
    status: 'failed',
    reason: 'not stored on $KV.store-probe.probe: write 1.blk: no space left on device',
  })
  look(0)
  expect(lines).toContainEqual(expect.stringMatching(/^50 The disk is full/))
})

it('takes probes that time out for a full disk where there was no space for a moment', () => {
  look(0)
  expect(look(2_000)).toBe(false)
  for (let count = 0; count < 3; count++) health.probed({ status: 'failed', reason: 'no reply' })
  expect(look(2_000)).toBe(true)
})

it('requests a restart once there is space again, and not before', () => {
  health.line(WRITE_FAILED)
  expect([look(0), look(100), look(128)]).toEqual([false, false, true])
})

it('requests a restart although its own probe is stored: other streams refuse every write from then on', () => {
  health.line(WRITE_FAILED)
  health.probed({ status: 'stored' })
  expect(look(2_000)).toBe(true)
})

it('waits for files, too, where the file system has none left', () => {
  health.line(WRITE_FAILED)
  expect([look(50_000, 0), look(50_000, 10_000)]).toEqual([false, true])
  expect(lines).toEqual([expect.stringContaining('The disk is full')])
})

it('requests no restart when space was low and no write failed', () => {
  expect([look(10), look(2_000)]).toEqual([false, false])
})

it('requests no restart when probes time out, and says so at the third', () => {
  const failed = { status: 'failed', reason: 'no reply on $KV.store-probe.probe' } as const
  for (const result of [failed, failed, { status: 'stored' }, failed, failed, failed, failed] as const) {
    health.probed(result)
    expect(look(2_000)).toBe(false)
  }
  health.probed({ status: 'stored' })
  expect(lines).toEqual([
    '50 NATS did not store a probe 3 times in a row: no reply on $KV.store-probe.probe',
    '30 NATS stores again',
  ])
})
