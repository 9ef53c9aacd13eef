import { describe, expect, it } from 'vitest'
import type { RecordedVersion } from './credential-history.ts'
import { rollbackUntil, toVersionView } from './credential-versions.ts'

const GRACE_MS = 60_000
const ROTATED_AT = new Date(1_000_000)
const UNTIL = new Date(1_060_000)
const current = { version: 3, hint: '…new4', rotatedAt: ROTATED_AT }
const recorded = (version: number): RecordedVersion => ({
  version,
  hint: '…old4',
  rotatedAt: new Date(0),
  createdBy: 'operator:alice',
  wrappedUnder: { keyService: 'libsodium', keyId: 'k1' },
})
const atMs = (ms: number) => ({ now: new Date(ms), graceMs: GRACE_MS })

describe('a version can be rolled back to', () => {
  it('while it is the one before the current one, for the grace time from its replacement', () => {
    expect(rollbackUntil(recorded(2), current, atMs(1_000_000))).toEqual(UNTIL)
    expect(rollbackUntil(recorded(2), current, atMs(1_059_999))).toEqual(UNTIL)
    expect(rollbackUntil(recorded(2), current, atMs(1_060_000))).toBeUndefined()
  })

  it('not if it is another version, or destroyed', () => {
    expect(rollbackUntil(recorded(1), current, atMs(1_000_000))).toBeUndefined()
    expect(rollbackUntil(recorded(3), current, atMs(1_000_000))).toBeUndefined()
    const { wrappedUnder: _, ...destroyed } = recorded(2)
    expect(rollbackUntil(destroyed, current, atMs(1_000_000))).toBeUndefined()
  })
})

it('a version is shown as current, previous or retired', () => {
  const shown = {
    version: 3,
    hint: '…old4',
    createdAt: '1970-01-01T00:00:00.000Z',
    createdBy: 'operator:alice',
    keyService: 'libsodium',
    keyId: 'k1',
  }
  expect(toVersionView(recorded(3), current, undefined)).toEqual({ ...shown, status: 'current' })
  const previous = { ...shown, version: 2, status: 'previous', rollbackUntil: UNTIL.toISOString() }
  expect(toVersionView(recorded(2), current, UNTIL)).toEqual(previous)
  expect(toVersionView(recorded(2), current, undefined)).toEqual({ ...shown, version: 2, status: 'retired' })
})
