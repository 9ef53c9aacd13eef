import { listDiscovered, usageQuery } from '@sluice/contracts'
import { type Bus, request } from '@sluice/messaging'
import type { Sent, SentByModel } from './traffic.ts'

/** Describes where the usage that the service returns differs from what was sent; empty if every sum is exact. */
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

/** Describes where discovery differs from what the newest response reported. */
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
