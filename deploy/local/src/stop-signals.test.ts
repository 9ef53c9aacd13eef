import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { onStopSignals } from './stop-signals.ts'

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('stops at the first signal and is forced by a second %s', (second) => {
  const source = new EventEmitter()
  const told: string[] = []
  let nowMs = 0
  onStopSignals({ onStop: () => told.push('stop'), onForce: () => told.push('force') }, source, () => nowMs)
  source.emit('SIGTERM')
  nowMs = 400
  source.emit(second)
  expect(told).toEqual(['stop'])
  nowMs = 600
  source.emit(second)
  expect(told).toEqual(['stop', 'force'])
})
