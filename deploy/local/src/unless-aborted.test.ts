import { expect, it } from 'vitest'
import { unlessAborted } from './unless-aborted.ts'

it('is as the work, whatever comes after it', async () => {
  const giveUp = new AbortController()
  const late: string[] = []
  const onLate = async (result: string) => void late.push(result)
  expect(await unlessAborted(giveUp.signal, Promise.resolve('done'), onLate)).toBe('done')
  expect(await unlessAborted(undefined, Promise.resolve('done'), onLate)).toBe('done')
  await expect(unlessAborted(giveUp.signal, Promise.reject(new Error('no')), onLate)).rejects.toThrow('no')
  giveUp.abort()
  expect(late).toEqual([])
})

it('does not wait for work that is given up, and hands over what it comes to', async () => {
  const giveUp = new AbortController()
  const work = Promise.withResolvers<string>()
  const late = Promise.withResolvers<string>()
  const given = unlessAborted(giveUp.signal, work.promise, async (result) => late.resolve(result))
  giveUp.abort()
  await expect(given).rejects.toThrow('aborted')
  work.resolve('too late')
  expect(await late.promise).toBe('too late')
})
