import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

export interface DemandCounts {
  readonly byStatus: Map<number | 'no answer', number>
}

export interface Demand {
  /** Requests that were answered, by status; those that reached no gateway. */
  readonly counts: DemandCounts
  stop(): Promise<void>
}

/** Sends requests at a steady rate, whatever becomes of them, to each gateway in turn. */
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

  const send = async (): Promise<void> => {
    const gatewayUrl = options.gatewayUrls[turn++ % options.gatewayUrls.length]
    const status = await request(`${gatewayUrl}/connections/${options.connection}/v1/chat/completions`, {
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
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
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
