import type { RequestRecord } from '@sluice/provider-simulator'
import { expect, it } from 'vitest'
import type { ProofAccount } from './accounts.ts'
import { resultsOf } from './report.ts'

const account: ProofAccount = {
  name: 'a',
  upstreamKey: 'sk-a',
  capacity: [{ period: 'minute', requests: 60, tokens: 1_000_000 }],
}

/** Two minutes of a request every `everyMs`, and what the report says of the account's limits. */
function reported(everyMs: number) {
  const arrived = Array.from({ length: Math.floor(124_000 / everyMs) }, (_, index) => index * everyMs)
  const requests = arrived.map((arrivedAtMs) => ({ apiKey: 'sk-a', arrivedAtMs }) as RequestRecord)
  return resultsOf(account, requests, 10, 0, 124_000)
}

it('proves a limit that is kept and used, and another that something tighter keeps from being used', () => {
  const [requests, tokens] = reported(1_000)
  expect(requests).toMatchObject({ isProven: true, row: expect.stringContaining('| binds |') })
  expect(tokens).toMatchObject({ isProven: true, row: expect.stringMatching(/\| 0\.001 \| \d\.\d{3} \| {2}\|$/) })
})

it('does not prove one that is exceeded by a single request', () => {
  expect(reported(983)[0]).toMatchObject({ isProven: false, row: expect.stringContaining('EXCEEDED') })
})

it('does not prove one of which more than a fiftieth is not used', () => {
  expect(reported(1_060)[0]).toMatchObject({ isProven: false, row: expect.stringContaining('NOT USED') })
})
