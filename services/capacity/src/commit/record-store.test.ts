import { expect, it, vi } from 'vitest'
import { brokenBucket } from '../../test/broken-bucket.ts'
import { createKvRecordStore } from './record-store.ts'

function storeChecking(check: () => Promise<void>) {
  const bucket = { ...brokenBucket(0), erase: async () => undefined }
  return createKvRecordStore(bucket, check, () => undefined)
}

it('the store is checked before the first load, and again only when in doubt', async () => {
  const check = vi.fn(async () => undefined)
  const store = storeChecking(check)
  await Promise.all([store.load('a'), store.load('b')])
  await store.load('a')
  expect(check).toHaveBeenCalledTimes(1)
  store.doubt()
  await store.load('a')
  expect(check).toHaveBeenCalledTimes(2)
})

it('nothing is loaded when the check fails, and the next load checks again', async () => {
  const check = vi.fn(async () => undefined).mockRejectedValueOnce(new Error('away'))
  const store = storeChecking(check)
  await expect(store.load('a')).rejects.toThrow('away')
  expect(await store.load('a')).toMatchObject({ revision: 0 })
})

it('a check that began before the doubt does not count', async () => {
  const looks: PromiseWithResolvers<void>[] = []
  const store = storeChecking(() => {
    const look = Promise.withResolvers<void>()
    looks.push(look)
    return look.promise
  })
  const loaded = vi.fn()
  const loading = store.load('a').then(loaded)
  store.doubt()
  looks[0]?.resolve()
  await vi.waitFor(() => expect(looks).toHaveLength(2))
  expect(loaded).not.toHaveBeenCalled()
  looks[1]?.resolve()
  await loading
})
