import type { Cost } from '@sluice/contracts'
import { type PermitDenial, retryAfterMs } from './permit-denial.ts'
import { turnAfter } from './waiting-turn.ts'

/** A request that may wait for its permit. */
export interface WaitingRequest {
  readonly model: string
  /** Which part of the model's requests it belongs to, as the provider's limits have it. */
  readonly pool: string
  readonly tokens: number
  /** For how long it may wait; 0: not at all. */
  readonly maxWaitMs: number
  /** Aborted when the one who asks is gone. */
  readonly gone: AbortSignal
}

/** What asking for a permit came to: a denial, or `Other`, with which a request is served. */
export type Asked<Other> = Other | PermitDenial

/** What waiting came to: as asking, or that the one who asked is gone. */
export type Waited<Other> = Asked<Other> | { readonly status: 'left' }

export interface WaitingLineParts<Other> {
  /** Asks for a permit. Never rejects. */
  readonly ask: (request: WaitingRequest) => Promise<Asked<Other>>
  /** Asks when so much could be granted at once; undefined where it could be now. Never rejects. */
  readonly probe: (request: WaitingRequest, cost: Cost) => Promise<PermitDenial | undefined>
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  readonly sleep: (durationMs: number) => Promise<void>
  /** So many requests may wait at a time; further ones are denied. */
  readonly maxWaiting: number
}

/** Requests of one connection that wait for their permits, first come first served. */
export interface WaitingLine<Other> {
  /** Resolves when the request is served; with a denial, at once where the wait would be longer than it allows. */
  join(request: WaitingRequest): Promise<Waited<Other>>
}

interface Waiter<Other> extends WaitingRequest {
  /** What it was told to wait when it joined. */
  readonly turn: PermitDenial
  readonly joinedAtMs: number
  /** Its pool cools down until then; others need not wait for that. */
  notBeforeMs: number
  readonly leave: (outcome: Waited<Other>) => void
}

/**
 * Whoever is in front asks when the time has come, and stays in front until it is served. Whether the time suffices is found out
 * before somebody joins: by asking when all that wait and the newcomer can be served.
 */
export function createWaitingLine<Other extends { readonly status: 'granted' | 'unavailable' }>(
  parts: WaitingLineParts<Other>,
): WaitingLine<Other> {
  const line: Waiter<Other>[] = []
  let asking: Waiter<Other> | undefined
  let isServing = false

  const join = async (request: WaitingRequest): Promise<Waited<Other>> => {
    const { tokens, maxWaitMs, gone } = request
    let turn: PermitDenial | undefined
    if (line.length > 0) {
      turn = await turnAfter(waitingCost(), { requests: 1, tokens }, (cost) => parts.probe(request, cost))
    }
    if (turn === undefined) {
      const asked = await parts.ask(request)
      if (asked.status !== 'denied') return asked
      turn = asked
    }
    if (gone.aborted) return LEFT
    const isInVain = retryAfterMs(turn) > maxWaitMs || line.length >= parts.maxWaiting
    return isInVain ? turn : wait(request, turn)
  }

  const wait = (request: WaitingRequest, turn: PermitDenial): Promise<Waited<Other>> =>
    new Promise((leave) => {
      const joinedAtMs = parts.nowMs()
      const waiter: Waiter<Other> = { ...request, turn, joinedAtMs, notBeforeMs: joinedAtMs, leave }
      line.push(waiter)
      request.gone.addEventListener('abort', () => {
        // Who is being asked for leaves with the answer: it may be a permit, which has to be given back then.
        if (waiter !== asking) remove(waiter, LEFT)
      })
      if (isServing) return
      isServing = true
      void serve()
    })

  const serve = async (): Promise<void> => {
    while (line.length > 0) {
      const nowMs = parts.nowMs()
      for (const waiter of [...line]) if (deadlineMs(waiter) < nowMs) remove(waiter, overdue(waiter, nowMs))
      const front = line.find(({ notBeforeMs }) => notBeforeMs <= nowMs)
      const againMs = front === undefined ? RECHECK_MS : await askFor(front)
      if (againMs > 0) await parts.sleep(Math.min(againMs, RECHECK_MS))
    }
    isServing = false
  }

  /** Asks for the one in front; gives how long to wait until it makes sense to ask again. */
  const askFor = async (front: Waiter<Other>): Promise<number> => {
    asking = front
    const asked = await parts.ask(front)
    asking = undefined
    if (asked.status !== 'denied') {
      remove(front, asked)
      return 0
    }
    const nowMs = parts.nowMs()
    const againMs = retryAfterMs(asked)
    if (front.gone.aborted) remove(front, LEFT)
    else if (nowMs + againMs > deadlineMs(front)) remove(front, asked)
    else if (asked.denied.code === 'upstream_cooldown') front.notBeforeMs = nowMs + againMs
    else return againMs
    return 0
  }

  const remove = (waiter: Waiter<Other>, outcome: Waited<Other>): void => {
    const position = line.indexOf(waiter)
    if (position === -1) return
    line.splice(position, 1)
    waiter.leave(outcome)
  }

  const waitingCost = (): Cost => ({
    requests: line.length,
    tokens: line.reduce((sum, { tokens }) => sum + tokens, 0),
  })

  return { join }
}

/** Refunds may free what is waited for before it would slide out; also how late an ended wait may be noticed. */
const RECHECK_MS = 100

const LEFT = { status: 'left' } as const

function deadlineMs({ joinedAtMs, maxWaitMs }: { joinedAtMs: number; maxWaitMs: number }): number {
  return joinedAtMs + maxWaitMs
}

/** For a request whose time ran out behind others: what it was told to wait, less what it has waited. */
function overdue({ turn, joinedAtMs }: { turn: PermitDenial; joinedAtMs: number }, nowMs: number): PermitDenial {
  if (turn.denied.code === 'request_exceeds_capacity') return turn
  const stillMs = Math.max(1, Math.ceil(turn.denied.retryAfterMs - (nowMs - joinedAtMs)))
  return { ...turn, denied: { ...turn.denied, retryAfterMs: stillMs } }
}
