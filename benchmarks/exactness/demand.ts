import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

export interface DemandCounts {
  readonly byStatus: Map<number | 'no answer', number>
}

export interface Demand {
  /** What was sent to a gateway, by the status of its answer. */
  readonly counts: DemandCounts
  stop(): Promise<void>
}

/**
 * Sends requests at a steady rate, whatever becomes of them, to each gateway in turn; as a load balancer does, to the next one
 * where a gateway does not answer, so that the demand is the same while one is away.
 */
export function startDemand(options: {
  readonly gatewayUrls: readonly string[]
  readonly connection: string
  readonly apiKey: string
  readonly perSecond: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}): Demand {
  const agent = new Agent({ connections: 64, headersTimeout: 10_000, bodyTimeout: 10_000 })
  const byStatus = new Map<number | 'no answer', number>()
  const open = new Set<Promise<void>>()
  let turn = 0
  let stopped = false

  const sendTo = (gatewayUrl: string): Promise<number | 'no answer'> =>
    request(`${gatewayUrl}/connections/${options.connection}/v1/chat/completions`, {
      dispatcher: agent,
      method: 'POST',
      headers: { authorization: `Bearer ${options.apiKey}`, 'content-type': 'application/json', ...options.headers },
      body: options.body,
    }).then(
      async ({ statusCode, body }) => {
        await body.dump()
        return statusCode
      },
      // A gateway that was killed this instant: part of the proof.
      () => 'no answer' as const,
    )

  const send = async (): Promise<void> => {
    const first = turn++
    for (let tried = 0; tried < options.gatewayUrls.length; tried++) {
      const status = await sendTo(options.gatewayUrls[(first + tried) % options.gatewayUrls.length] ?? '')
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
      if (status !== 'no answer') return
    }
  }

  const run = async (): Promise<void> => {
    const startedAtMs = performance.now()
    for (let sent = 0; !stopped; ) {
      const due = ((performance.now() - startedAtMs) / 1_000) * options.perSecond
      for (; sent < due; sent++) {
        const one: Promise<void> = send().finally(() => open.delete(one))
        open.add(one)
      }
      await sleep(5)
    }
  }
  const running = run()
  return {
    counts: { byStatus },
    stop: async () => {
      stopped = true
      await running
      await Promise.all(open)
      await agent.close()
    },
  }
}
