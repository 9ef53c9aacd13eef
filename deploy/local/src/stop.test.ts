import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { onStopSignals, unlessAborted } from './stop.ts'

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('stops at the first signal and is forced by a second %s', (second) => {
  const source = new EventEmitter()
  const called: string[] = []
  let nowMs = 0
  onStopSignals({ onStop: () => called.push('stop'), onForce: () => called.push('force') }, source, () => nowMs)
  source.emit('SIGTERM')
  nowMs = 400
  source.emit(second)
  expect(called).toEqual(['stop'])
  nowMs = 600
  source.emit(second)
  expect(called).toEqual(['stop', 'force'])
})
it('unlessAborted settles as the work does, whatever happens later', async () => {
  const giveUp = new AbortController()
  const late: string[] = []
  const onLate = async (result: string) => void late.push(result)
  expect(await unlessAborted(giveUp.signal, Promise.resolve('done'), onLate)).toBe('done')
  expect(await unlessAborted(undefined, Promise.resolve('done'), onLate)).toBe('done')
  await expect(unlessAborted(giveUp.signal, Promise.reject(new Error('no')), onLate)).rejects.toThrow('no')
  giveUp.abort()
  expect(late).toEqual([])
})

it('unlessAborted does not wait for work that is given up, and passes its result on', async () => {
  const giveUp = new AbortController()
  const work = Promise.withResolvers<string>()
  const late = Promise.withResolvers<string>()
  const abandoned = unlessAborted(giveUp.signal, work.promise, async (result) => late.resolve(result))
  giveUp.abort()
  await expect(abandoned).rejects.toThrow('aborted')
  work.resolve('too late')
  expect(await late.promise).toBe('too late')
})
