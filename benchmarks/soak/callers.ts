import { setTimeout as sleep } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import type { Sluice } from '../shared/sluice.ts'

/** Applications with plain and streamed requests, some of which are aborted. */
export interface Callers {
  /** The request ids of responses. */
  readonly respondedIds: ReadonlySet<string>
  readonly sent: number
  /** Requests that ended without a response: aborted, or the connection broke. */
  readonly unresponded: number
  readonly byStatus: ReadonlyMap<number, number>
  /** Sends one request that is not aborted; resolves when it has ended, whatever its outcome. */
  callPatiently(): Promise<void>
  /** Sends `perSecond` requests a second for `durationMs`, some of which are aborted; resolves when all have ended. */
  callSteadily(perSecond: number, durationMs: number): Promise<void>
  stop(): Promise<void>
}

export function createCallers({ chatUrl, apiKey }: Sluice): Callers {
  const { origin, pathname } = new URL(chatUrl)
  const pool = new Pool(origin, { connections: MAX_CONNECTIONS })
  const respondedIds = new Set<string>()
  const byStatus = new Map<number, number>()

  const call = (giveUp: GiveUp | undefined): Promise<void> => {
    callers.sent += 1
    return new Promise((resolve) => {
      const end = (isResponded: boolean): void => {
        if (!isResponded) callers.unresponded += 1
        resolve()
      }
      pool.dispatch(
        requestTo(pathname, apiKey),
        handler(giveUp, end, (status, id) => {
          byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
          respondedIds.add(id)
        }),
      )
    })
  }

  const callers = {
    respondedIds,
    byStatus,
    sent: 0,
    unresponded: 0,
    callPatiently: () => call(undefined),
    callSteadily: async (perSecond: number, durationMs: number) => {
      const open = new Set<Promise<void>>()
      const startedAtMs = performance.now()
      let elapsedMs = 0
      for (let begun = 0; elapsedMs < durationMs; elapsedMs = performance.now() - startedAtMs) {
        for (; begun < (elapsedMs / 1_000) * perSecond; begun++) {
          const one: Promise<void> = call(randomGiveUp()).finally(() => open.delete(one))
          open.add(one)
        }
        await sleep(5)
      }
      await Promise.all(open)
    },
    stop: () => pool.destroy(),
  }
  return callers
}

const MAX_CONNECTIONS = 256

/** The moment when a caller aborts: after this time, or after this many chunks of the response. */
type GiveUp = { readonly afterMs: number } | { readonly afterPieces: number }

/** One in ten aborts. */
function randomGiveUp(): GiveUp | undefined {
  if (Math.random() >= 0.1) return undefined
  return Math.random() < 0.5 ? { afterMs: Math.random() * 40 } : { afterPieces: Math.floor(Math.random() * 18) }
}

const MESSAGES = [{ role: 'user', content: 'How much flows through a sluice that is open by a hand’s breadth?' }]

/** Streamed and plain in equal shares; half of the streams request usage. */
function requestTo(path: string, apiKey: string): Dispatcher.DispatchOptions {
  const stream = Math.random() < 0.5
  const usage = stream && Math.random() < 0.5 ? { stream_options: { include_usage: true } } : {}
  return {
    method: 'POST',
    path,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 100, stream, messages: MESSAGES, ...usage }),
  }
}

function handler(
  giveUp: GiveUp | undefined,
  end: (isResponded: boolean) => void,
  onResponse: (status: number, requestId: string) => void,
): Dispatcher.DispatchHandler {
  let isResponded = false
  let pieces = 0
  let timer: NodeJS.Timeout | undefined
  const finish = (): void => {
    clearTimeout(timer)
    end(isResponded)
  }
  return {
    onRequestStart: (controller) => {
      if (giveUp === undefined || !('afterMs' in giveUp)) return
      timer = setTimeout(() => controller.abort(ABORTED), giveUp.afterMs)
    },
    onResponseStart: (_, status, headers) => {
      isResponded = true
      onResponse(status, String(headers['x-request-id']))
    },
    onResponseData: (controller) => {
      pieces += 1
      if (giveUp !== undefined && 'afterPieces' in giveUp && pieces > giveUp.afterPieces) controller.abort(ABORTED)
    },
    onResponseEnd: finish,
    // Aborted, or broken off by the gateway because the provider did: both are part of the soak.
    onResponseError: finish,
  }
}

const ABORTED = new Error('the caller aborts')
