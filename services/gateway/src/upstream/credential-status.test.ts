import { expect, it } from 'vitest'
import { CredentialStatuses } from './credential-status.ts'

const REPORT = { report: true, isFirstRejection: false }
const NOTHING = { report: false, isFirstRejection: false }

it('reports the first of each version, and each change', () => {
  const statuses = new CredentialStatuses()
  expect(statuses.note('c', 1, 'accepted', 0)).toEqual(REPORT)
  expect(statuses.note('c', 1, 'accepted', 1)).toEqual(NOTHING)
  expect(statuses.note('c', 1, 'rejected', 2)).toEqual({ report: true, isFirstRejection: true })
  expect(statuses.note('c', 1, 'rejected', 3)).toEqual(NOTHING)
  expect(statuses.note('c', 2, 'rejected', 4)).toEqual({ report: true, isFirstRejection: true })
  expect(statuses.note('c', 1, 'accepted', 5)).toEqual(NOTHING)
  expect(statuses.note('c', 2, 'accepted', 6)).toEqual(REPORT)
  expect(statuses.note('other', 1, 'accepted', 7)).toEqual(REPORT)
})

it('repeats a rejection every minute, and an acceptance every ten', () => {
  const statuses = new CredentialStatuses()
  statuses.note('c', 1, 'rejected', 0)
  expect(statuses.note('c', 1, 'rejected', 59_999)).toEqual(NOTHING)
  expect(statuses.note('c', 1, 'rejected', 60_000)).toEqual(REPORT)
  statuses.note('c', 1, 'accepted', 60_001)
  expect(statuses.note('c', 1, 'accepted', 660_000)).toEqual(NOTHING)
  expect(statuses.note('c', 1, 'accepted', 660_001)).toEqual(REPORT)
})

it('reports a credential that is alternately accepted and rejected a few times only', () => {
  const statuses = new CredentialStatuses()
  let reports = 0
  for (let nowMs = 0; nowMs < 10_000; nowMs++) {
    if (statuses.note('c', 1, nowMs % 2 === 0 ? 'accepted' : 'rejected', nowMs).report) reports++
  }
  expect(reports).toBeLessThanOrEqual(6)
})

it('reports a credential that keeps alternating less and less often, until it is stable', () => {
  const statuses = new CredentialStatuses()
  const reportsBetween = (fromMs: number, toMs: number): number => {
    let reports = 0
    for (let nowMs = fromMs; nowMs < toMs; nowMs += 500) {
      if (statuses.note('c', 1, nowMs % 1_000 === 0 ? 'accepted' : 'rejected', nowMs).report) reports++
    }
    return reports
  }
  expect(reportsBetween(0, 60_000)).toBeLessThanOrEqual(10)
  expect(reportsBetween(60_000, 3_600_000)).toBeLessThanOrEqual(90)
  statuses.note('c', 1, 'rejected', 4_000_000)
  statuses.note('c', 1, 'accepted', 5_000_000)
  expect(statuses.note('c', 1, 'rejected', 5_700_000)).toEqual(REPORT)
  expect(statuses.note('c', 1, 'accepted', 5_705_000)).toEqual(REPORT)
})
