import { randomBytes } from 'node:crypto'
import { eventually } from '@sluice/testkit'
import { beforeEach, expect, it } from 'vitest'
import { cacheDataKeys, type DataKeyCacheOptions } from './data-key-cache.ts'
import type { KeyService } from './key-service.ts'
import { createLibsodiumKeyService } from './libsodium-key-service.ts'
import { parseMasterKeys } from './master-keys.ts'

const context = { connectionId: 'c-1' }

/** Every data key that the key service itself has unwrapped, as it stands in memory now. */
let unwrapped: Uint8Array[]
let calls: number
/** What the next unwrapping waits for. */
let released: Promise<unknown>
let keyService: KeyService

beforeEach(async () => {
  unwrapped = []
  calls = 0
  released = Promise.resolve()
  const real = await createLibsodiumKeyService(parseMasterKeys(randomBytes(32).toString('base64')))
  keyService = {
    ...real,
    unwrap: async (...asked) => {
      calls += 1
      await released
      const dataKey = await real.unwrap(...asked)
      unwrapped.push(dataKey)
      return dataKey
    },
  }
})

const hold = (over: Partial<DataKeyCacheOptions> = {}) =>
  cacheDataKeys(keyService, { ttlMs: 60_000, failureTtlMs: 60_000, maxEntries: 10, ...over })

it('unwraps a data key once for all callers, each with its own copy', async () => {
  const held = hold()
  const { dataKey, ...wrapped } = await held.generateDataKey(context)
  const copies = await Promise.all(Array.from({ length: 20 }, () => held.unwrap(wrapped, context)))
  copies[0]?.fill(0)
  expect(await held.unwrap(wrapped, context)).toEqual(dataKey)
  expect(copies[1]).toEqual(dataKey)
  expect(calls).toBe(1)
})

it('misses the cache for another context, key or wrapped key', async () => {
  const held = hold()
  const { dataKey: _, ...wrapped } = await held.generateDataKey(context)
  await held.unwrap(wrapped, context)
  const { wrappedKey } = await held.generateDataKey(context)
  await expect(held.unwrap(wrapped, { connectionId: 'c-2' })).rejects.toMatchObject({ reason: 'not_authentic' })
  await expect(held.unwrap({ ...wrapped, keyId: 'mk-other' }, context)).rejects.toMatchObject({ reason: 'unknown_key' })
  await held.unwrap({ ...wrapped, wrappedKey }, context)
  expect(calls).toBe(4)
})

it('overwrites an expired data key, and unwraps it again', async () => {
  const held = hold({ ttlMs: 20 })
  const { dataKey, ...wrapped } = await held.generateDataKey(context)
  const copy = await held.unwrap(wrapped, context)
  await eventually(() => expect(unwrapped[0]).toEqual(new Uint8Array(32)))
  expect(copy).toEqual(dataKey)
  expect(await held.unwrap(wrapped, context)).toEqual(dataKey)
  expect(calls).toBe(2)
})

it('evicts the oldest entry for a new one, even while it is awaited', async () => {
  const held = hold({ maxEntries: 1 })
  const [one, two] = [await held.generateDataKey(context), await held.generateDataKey(context)]
  const release = Promise.withResolvers<void>()
  released = release.promise
  const first = held.unwrap(one, context)
  const second = held.unwrap(two, context)
  release.resolve()
  expect(await first).toEqual(one.dataKey)
  expect(await second).toEqual(two.dataKey)
  await eventually(() => expect(unwrapped).toContainEqual(new Uint8Array(32)))
  await held.unwrap(two, context)
  expect(calls).toBe(2)
})

it('caches a failure for a while, so that a failing key service is not called by everyone', async () => {
  const held = hold({ failureTtlMs: 20 })
  const { dataKey, ...wrapped } = await held.generateDataKey(context)
  released = Promise.reject(new Error('away'))
  for (let attempt = 0; attempt < 5; attempt++) await expect(held.unwrap(wrapped, context)).rejects.toThrow('away')
  expect(calls).toBe(1)
  released = Promise.resolve()
  await eventually(async () => expect(await held.unwrap(wrapped, context)).toEqual(dataKey))
  expect(calls).toBe(2)
})
