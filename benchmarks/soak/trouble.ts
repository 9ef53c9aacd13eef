import { setTimeout as sleep } from 'node:timers/promises'
import type { Control } from '@sluice/provider-simulator'

type Fault = NonNullable<Control['fault']>

/** The provider's failures, in equal shares. */
const FAULTS: readonly (() => Fault)[] = [
  () => ({ kind: 'status', status: 500 }),
  () => ({ kind: 'status', status: 400 }),
  () => ({ kind: 'break-before-headers' }),
  () => ({ kind: 'break-mid-stream', afterChunks: upTo(15), partialChunk: Math.random() < 0.5 }),
  () => ({ kind: 'error-mid-stream', afterChunks: upTo(15), status: 500 }),
  () => ({ kind: 'hang-before-headers' }),
  () => ({ kind: 'hang-mid-stream', afterChunks: upTo(15) }),
]
/** One in this many faults is a 429, as each delays every request for a moment. */
const RATE_LIMIT_EVERY = 100
const RATE_LIMIT: Fault = { kind: 'rate-limit', retryAfterMs: 50 }

export interface Trouble {
  stop(): Promise<void>
}

/** Makes the simulated provider fail `perSecond` requests a second, in every way it supports. */
export function startTrouble(simulatorUrl: string, perSecond: number): Trouble {
  let isStopped = false
  let caused = 0
  const run = async (): Promise<void> => {
    const startedAtMs = performance.now()
    while (!isStopped) {
      const due = ((performance.now() - startedAtMs) / 1_000) * perSecond
      for (; caused < due; caused++) {
        const fault = caused % RATE_LIMIT_EVERY === 0 ? RATE_LIMIT : FAULTS[upTo(FAULTS.length - 1)]?.()
        if (fault !== undefined) await addControl(simulatorUrl, { times: 1, fault })
      }
      await sleep(20)
    }
  }
  const running = run()
  return {
    stop: async () => {
      isStopped = true
      await running
    },
  }
}

/** @throws Error if the simulator refuses it */
export async function addControl(simulatorUrl: string, control: Control): Promise<void> {
  const response = await fetch(`${simulatorUrl}/_simulator/controls`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(control),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`the simulator refused a control: ${text}`)
}

function upTo(most: number): number {
  return Math.floor(Math.random() * (most + 1))
}
