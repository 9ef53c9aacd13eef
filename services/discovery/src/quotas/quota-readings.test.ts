import { expect, it } from 'vitest'
import { type AccountQuota, quotaReadings } from './quota-readings.ts'

const LITE = 'On-demand model inference tokens per minute for Amazon Nova Lite'
const READING = {
  connectionId: 'c',
  model: 'amazon.nova-lite-v1:0',
  dimension: 'tokens-per-minute',
  periodMs: 60_000,
  seenAtMs: 7,
  source: 'service-quotas',
}

it('reads limits, and tells how many are of models that it does not know', () => {
  const quotas = [
    { name: LITE, value: 200_000 },
    { name: 'Cross-region model inference requests per minute for Nova 9', value: 0 },
    { name: 'Agents per account', value: 1.5 },
  ]
  expect(read(quotas)).toEqual({
    readings: [
      { ...READING, limit: 200_000 },
      { ...READING, model: 'Nova 9 (cross-region)', dimension: 'requests-per-minute', limit: 0 },
    ],
    unknownModels: 1,
    unreadable: [],
  })
})

it('takes the lowest where several quotas are of the same', () => {
  const again = LITE.replace('model inference', 'InvokeModel')
  for (const values of [
    [5, 3],
    [3, 5],
  ]) {
    const { readings } = read([
      { name: LITE, value: values[0] ?? 0 },
      { name: again, value: values[1] ?? 0 },
    ])
    expect(readings).toEqual([{ ...READING, limit: 3 }])
  }
})

it.each([undefined, -1, 0.5, 1e300, Number.NaN])('cannot read the value %s', (value) => {
  const quota = { name: LITE, ...(value === undefined ? {} : { value }) }
  expect(read([quota])).toEqual({ readings: [], unknownModels: 0, unreadable: [LITE] })
})

it('cannot read a quota of calls that it cannot make out', () => {
  const name = 'On-demand model inference concurrent requests for Amazon Nova Sonic'
  expect(read([{ name, value: 20 }]).unreadable).toEqual([name])
})

function read(quotas: readonly AccountQuota[]) {
  return quotaReadings({ connectionId: 'c', region: 'ap-northeast-1', seenAtMs: 7 }, quotas)
}
