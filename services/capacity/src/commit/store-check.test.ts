import { expect, it, vi } from 'vitest'
import { brokenBucket } from '../../test/broken-bucket.ts'
import { createPermitProbe, createRecordCheck } from './store-check.ts'

type Records = ReturnType<typeof brokenBucket>

function checking(records: Records, madeAtMs: () => number = () => 2) {
  const order: string[] = []
  const buckets = { found: { recordsMadeAtMs: 1, marksMadeAtMs: 2 }, makeAgain: async () => madeAtMs() }
  const membership = {
    recheck: async () => void order.push('recheck'),
    suspectVanished: async (madeAtMs?: number) => void order.push(['suspect', madeAtMs].join(' ').trim()),
    adoptLosses: async () => void order.push('adopt'),
  }
  const clearing = {
    ...records,
    clear: async (revision: number) => {
      order.push('clear')
      await records.clear(revision)
    },
  }
  const onCleared = vi.fn()
  return { check: createRecordCheck({ records: clearing, membership, buckets, onCleared }), order, onCleared }
}

it('the check keeps records that can be read, and adopts the losses that others have marked', async () => {
  const records = brokenBucket(0)
  await records.put('c', 1)
  const { check, order, onCleared } = checking(records)
  await check()
  expect(order).toEqual(['recheck', 'adopt'])
  expect(onCleared).not.toHaveBeenCalled()
  expect(await records.get('c')).toMatchObject({ value: 1, revision: 1 })
})

it('the check suspects what was counted before a bucket was made again, once', async () => {
  let madeAtMs = 2
  const { check, order } = checking(brokenBucket(0), () => madeAtMs)
  madeAtMs = 7
  await check()
  await check()
  expect(order).toEqual(['recheck', 'suspect 7', 'adopt', 'recheck', 'adopt'])
})

it('the check marks the loss, then clears records that cannot be read, and keeps those that can', async () => {
  const records = brokenBucket(1_000, [1])
  await records.put('kept', 'a')
  await records.put('lost', 'b')
  const { check, order, onCleared } = checking(records)
  await check()
  expect(order).toEqual(['recheck', 'suspect', 'clear', 'adopt'])
  expect(onCleared).toHaveBeenCalledWith(1)
  expect(await records.get('kept')).toMatchObject({ value: 'a' })
  expect(await records.get('lost')).toMatchObject({ value: undefined })
  await records.put('lost', 'c')
  expect(await records.get('lost')).toMatchObject({ value: 'c' })
})

it('the check is not deceived by single readable revisions among unreadable ones', async () => {
  const records = brokenBucket(1_000, [1, 3])
  const { check, onCleared } = checking(records)
  await check()
  expect(onCleared).toHaveBeenCalledTimes(1)
})

it('the check clears nothing that was stored after it looked', async () => {
  const records = brokenBucket(1_000)
  const { check } = checking({
    ...records,
    clear: async (revision) => {
      // Another instance found the same, and was first.
      await records.clear(revision)
      await records.put('c', 'by another')
      await records.clear(revision)
    },
  })
  await check()
  expect(await records.get('c')).toMatchObject({ value: 'by another' })
})

it('the check fails when clearing does not help', async () => {
  const records = brokenBucket(1_000)
  const { check } = checking({ ...records, clear: async () => undefined })
  await expect(check()).rejects.toMatchObject({ code: 'unavailable' })
})

it('the probe fails while counters cannot be read, and puts the store in doubt', async () => {
  const store = { checked: async () => undefined, doubt: vi.fn() }
  await expect(createPermitProbe(brokenBucket(1_000), store)()).rejects.toThrow('does not return')
  expect(store.doubt).toHaveBeenCalledTimes(1)
  await createPermitProbe(brokenBucket(0), store)()
  expect(store.doubt).toHaveBeenCalledTimes(1)
})
