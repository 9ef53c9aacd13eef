import { setTimeout as sleep } from 'node:timers/promises'
import { OUTPUT_TOKENS_HEADER } from '@sluice/provider-simulator'
import { Agent, request } from 'undici'
import { OUTPUT_TOKENS } from './accounts.ts'

/** An application that sends chats on one connection, to each gateway in turn. */
export interface Caller {
  /** The number of requests by response status. */
  readonly byStatus: ReadonlyMap<number | 'no response', number>
  /** Sends one chat; resolves when it has ended, whatever its outcome. */
  send(): Promise<void>
  close(): Promise<void>
}

export interface CallerOptions {
  readonly gatewayUrls: readonly string[]
  readonly connection: string
  readonly apiKey: string
}

export const CHAT_BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  max_tokens: OUTPUT_TOKENS,
  messages: [{ role: 'user', content: 'How much flows through a sluice that is open by a hand’s breadth?' }],
})
export const CHAT_HEADERS = {
  'content-type': 'application/json',
  [OUTPUT_TOKENS_HEADER]: String(OUTPUT_TOKENS),
}

/**
 * Tries the next gateway if one does not respond, as a load balancer does, so that demand is the same while a gateway
 * is down.
 */
export function createCaller({ gatewayUrls, connection, apiKey }: CallerOptions): Caller {
  const agent = new Agent({ connections: 256, headersTimeout: 10_000, bodyTimeout: 10_000 })
  const byStatus = new Map<number | 'no response', number>()
  let turn = 0

  const sendTo = (gatewayUrl: string): Promise<number | 'no response'> =>
    request(`${gatewayUrl}/connections/${connection}/v1/chat/completions`, {
      dispatcher: agent,
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, ...CHAT_HEADERS },
      body: CHAT_BODY,
    }).then(
      async ({ statusCode, body }) => {
        await body.dump()
        return statusCode
      },
      // The gateway may have been killed at this moment, which is part of the scenario.
      () => 'no response' as const,
    )

  return {
    byStatus,
    send: async () => {
      const first = turn++
      for (let tried = 0; tried < gatewayUrls.length; tried++) {
        const status = await sendTo(gatewayUrls[(first + tried) % gatewayUrls.length] ?? '')
        byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
        if (status !== 'no response') return
      }
    },
    close: () => agent.close(),
  }
}

export interface Demand {
  readonly byStatus: Caller['byStatus']
  /** Stops sending; resolves when the last request has ended. */
  stop(): Promise<void>
}

/** Sends requests at a steady rate, whatever their outcomes. */
export function startDemand({ perSecond, ...options }: CallerOptions & { readonly perSecond: number }): Demand {
  const caller = createCaller(options)
  const open = new Set<Promise<void>>()
  let stopped = false
  const run = async (): Promise<void> => {
    const startedAtMs = performance.now()
    for (let sent = 0; !stopped; ) {
      const due = ((performance.now() - startedAtMs) / 1_000) * perSecond
      for (; sent < due; sent++) {
        const one: Promise<void> = caller.send().finally(() => open.delete(one))
        open.add(one)
      }
      await sleep(5)
    }
  }
  const running = run()
  return {
    byStatus: caller.byStatus,
    stop: async () => {
      stopped = true
      await running
      await Promise.all(open)
      await caller.close()
    },
  }
}

/** Returns the statuses of all callers together: `200: 60, 429: 12`. */
export function describeStatuses(all: readonly Pick<Caller, 'byStatus'>[]): string {
  const total = new Map<number | 'no response', number>()
  for (const { byStatus } of all) {
    for (const [status, count] of byStatus) total.set(status, (total.get(status) ?? 0) + count)
  }
  return [...total].map(([status, count]) => `${status}: ${count.toLocaleString('en')}`).join(', ')
}
