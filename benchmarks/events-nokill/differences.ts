import { listDiscovered, usageQuery } from '@sluice/contracts'
import { type Bus, request } from '@sluice/messaging'
import type { Sent, SentByModel } from './traffic.ts'

/** Where the usage that the service tells differs from what was sent, in words; none where every sum is exact. */
export async function usageDifferences(bus: Bus, sent: SentByModel, fromMs: number, toMs: number): Promise<string[]> {
  const differences: string[] = []
  for (const [connectionId, models] of sent) {
    const query = { connectionId, fromMs, toMs, stepMs: STEP_MS, groupBy: 'model' as const }
    const { points } = await request(bus, usageQuery, [], query)
    for (const [model, expected] of models) {
      const found = points.filter(({ group }) => group === model)
      for (const field of SUMS) {
        const sum = found.reduce((total, point) => total + point[field], 0)
        if (sum !== expected[field])
          differences.push(`${connectionId} ${model}: ${field} ${sum}, not ${expected[field]}`)
      }
      for (const [outcome, requests] of Object.entries(expected.outcomes)) {
        const sum = found.reduce((total, point) => total + (point.outcomes[outcome] ?? 0), 0)
        if (sum !== requests) differences.push(`${connectionId} ${model}: ${outcome} ${sum}, not ${requests}`)
      }
    }
  }
  return differences
}

/** Where what discovery knows is not what the newest answer said. */
export async function discoveryDifferences(bus: Bus, sent: SentByModel): Promise<string[]> {
  const differences: string[] = []
  for (const [connectionId, models] of sent) {
    const { items } = await request(bus, listDiscovered, [], { connectionId })
    for (const [model, { newestAtMs, remaining }] of models) {
      const known = items.find((item) => item.model === model && item.dimension === 'requests')
      if (known?.lastSeenAtMs === newestAtMs && known.remaining === remaining) continue
      differences.push(`${connectionId} ${model}: ${known?.remaining} remaining, not ${remaining}`)
    }
  }
  return differences
}

const STEP_MS = 86_400_000
const SUMS = [
  'requests',
  'inputTokens',
  'outputTokens',
  'cachedInputTokens',
  'reasoningTokens',
] as const satisfies readonly (keyof Sent)[]
