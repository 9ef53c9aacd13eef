import { amountOf, NO_COST, PERIOD_MS } from '@sluice/contracts'
import { type PermitDenial, retryAfterMs } from './denial.ts'
import { type CountedCost, countedCost, type ReservedTokens, sumOfCounted } from './reservation.ts'
import { type Ordered, type Passing, WaitingOrder } from './waiting-order.ts'

/** A request that may wait for its permit. */
export interface WaitingRequest extends ReservedTokens {
  /** Whose it is: the API key's id. */
  readonly owner: string
  readonly model: string
  /** Which part of the model's requests it belongs to, as the provider's limits have it. */
  readonly pool: string
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
  readonly ask: (request: Passing) => Promise<Asked<Other>>
  /** Asks when so much could be granted at once; undefined where it could be now. Never rejects. */
  readonly probe: (request: Passing, cost: CountedCost) => Promise<PermitDenial | undefined>
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  readonly sleep: (durationMs: number) => Promise<void>
  /** So many requests may wait at a time, of one owner no more than are free then; further ones are denied. */
  readonly maxWaiting: number
}

/** Requests of one connection that wait for their permits: owners take turns, and of one owner it is first come first served. */
export interface WaitingLine<Other> {
  /** Resolves when the request is served; with a denial, at once where the wait would be longer than it allows. */
  join(request: WaitingRequest): Promise<Waited<Other>>
  /** Whether nobody waits, and nobody is to be remembered. */
  isIdle(): boolean
}

interface Waiter<Other> extends WaitingRequest, Ordered {
  readonly joinedAtMs: number
  /** Its pool cools down until then; others need not wait for that. */
  notBeforeMs: number
  readonly leave: (outcome: Waited<Other>) => void
}

/**
 * Whoever's turn it is asks when the time has come, and keeps its turn until it is served. Whether the time suffices is found out
 * before somebody joins: by asking when the newcomer can be served together with all that are served before it. Those that do not
 * wait have their turns too: see {@link WaitingOrder}.
 */
export function createWaitingLine<Other extends { readonly status: 'granted' | 'unavailable' }>(
  parts: WaitingLineParts<Other>,
): WaitingLine<Other> {
  const order = new WaitingOrder<Waiter<Other>>()
  let asking: Waiter<Other> | undefined
  let isServing = false

  const join = async (request: WaitingRequest): Promise<Waited<Other>> => {
    const { owner, maxWaitMs } = request
    const own = countedCost(request)
    order.tidy(parts.nowMs())
    const hasPlace = order.takePlace(owner)
    const isFree = hasPlace || (order.size === 0 && maxWaitMs === 0)
    const before = isFree ? NO_COST : order.before(owner, parts.nowMs())
    const isOneOfMany = order.begin(owner, own)
    const asked = await askBehind(request, before)
    order.end(owner, own)
    if (asked.status !== 'denied') {
      order.passed(owner, request, parts.nowMs(), hasPlace)
      return asked
    }
    if (request.gone.aborted) return LEFT
    if (retryAfterMs(asked) <= maxWaitMs && order.hasRoom(owner, parts.maxWaiting)) return wait(request)
    return miss(request, isFree || !isOneOfMany ? asked : await firstTurn(request, asked))
  }

  /** Asks for a permit unless what is served before the request leaves no room for it. */
  const askBehind = async (request: Passing, before: CountedCost): Promise<Asked<Other>> =>
    (await turnBehind(request, before)) ?? parts.ask(request)

  /** When the request is served behind `before`; undefined where that may be now. */
  const turnBehind = async (request: Passing, before: CountedCost): Promise<PermitDenial | undefined> =>
    before.requests === 0 ? undefined : turnAfter(before, countedCost(request), (cost) => parts.probe(request, cost))

  /** The first turn of the request's owner: of all that are refused at the same moment, any may be the first to come again. */
  const firstTurn = async (request: WaitingRequest, denial: PermitDenial): Promise<PermitDenial> =>
    (await turnBehind(request, order.before(request.owner, parts.nowMs(), ALONE))) ?? denial

  /** Refuses, and expects the request again if time helps. */
  const miss = (request: WaitingRequest, denial: PermitDenial): PermitDenial => {
    const isExpected = denial.denied.code === 'capacity_exceeded'
    if (isExpected) order.missed(request.owner, request, parts.nowMs(), retryAfterMs(denial))
    return denial
  }

  const wait = (request: WaitingRequest): Promise<Waited<Other>> =>
    new Promise((leave) => {
      const joinedAtMs = parts.nowMs()
      const waiter: Waiter<Other> = { ...request, joinedAtMs, notBeforeMs: joinedAtMs, leave }
      order.add(waiter)
      request.gone.addEventListener('abort', () => {
        // Who is being asked for leaves with the answer: it may be a permit, which has to be given back then.
        if (waiter !== asking) remove(waiter, LEFT)
      })
      if (isServing) return
      isServing = true
      void serve()
    })

  const serve = async (): Promise<void> => {
    while (order.size > 0) {
      const nowMs = parts.nowMs()
      order.tidy(nowMs)
      for (const waiter of order.waiters()) if (deadlineMs(waiter) < nowMs) turnAway(waiter)
      const turn = order.next(nowMs)
      let againMs = RECHECK_MS
      if (turn?.kind === 'waiter') againMs = await askFor(turn.waiter)
      else if (turn?.kind === 'claim') againMs = await keepRoom(turn.owner, turn.claim)
      if (againMs > 0) await parts.sleep(Math.min(againMs, RECHECK_MS))
    }
    isServing = false
  }

  /** Asks for the one whose turn it is; returns how long to wait until it makes sense to ask again. */
  const askFor = async (front: Waiter<Other>): Promise<number> => {
    const kept = order.kept()
    if (kept.requests > 0) {
      const denial = await parts.probe(front, sumOfCounted(kept, countedCost(front)))
      if (denial !== undefined)
        return denial.denied.code === 'upstream_cooldown' ? coolDown(front, denial) : retryAfterMs(denial)
      if (!order.waiters().includes(front)) return 0
    }
    asking = front
    const asked = await parts.ask(front)
    asking = undefined
    if (asked.status !== 'denied') {
      order.served(front.owner)
      remove(front, asked)
      return 0
    }
    const againMs = retryAfterMs(asked)
    if (front.gone.aborted) remove(front, LEFT)
    else if (parts.nowMs() + againMs > deadlineMs(front)) remove(front, asked)
    else if (asked.denied.code === 'upstream_cooldown') coolDown(front, asked)
    else return againMs
    return 0
  }

  const coolDown = (front: Waiter<Other>, denial: PermitDenial): number => {
    front.notBeforeMs = parts.nowMs() + retryAfterMs(denial)
    return 0
  }

  /** Keeps room for a request that does not wait, if there is any; returns as `askFor`. */
  const keepRoom = async (owner: string, claim: Passing): Promise<number> => {
    const kept = order.kept()
    const denial = await parts.probe(claim, sumOfCounted(kept, countedCost(claim)))
    if (denial === undefined) {
      order.keep(owner, parts.nowMs())
      return 0
    }
    if (denial.denied.code === 'capacity_exceeded' || kept.requests > 0) return retryAfterMs(denial)
    order.forget(owner)
    return 0
  }

  /** Ends the wait of one whose time is up, with what it may expect from now on. */
  const turnAway = (waiter: Waiter<Other>): void => {
    const { owner } = waiter
    const ahead = order
      .waiters()
      .filter((other) => other.owner === owner)
      .indexOf(waiter)
    const before = order.before(owner, parts.nowMs(), { waiters: ahead })
    order.remove(waiter)
    void askBehind(waiter, before).then(waiter.leave)
  }

  const remove = (waiter: Waiter<Other>, outcome: Waited<Other>): void => {
    if (order.remove(waiter)) waiter.leave(outcome)
  }

  return { join, isIdle: () => order.isIdle(parts.nowMs()) }
}

/** Refunds may free what is waited for before it would slide out; also how late an ended wait may be noticed. */
const RECHECK_MS = 100

const LEFT = { status: 'left' } as const
const ALONE = { waiters: Number.POSITIVE_INFINITY } as const

function deadlineMs({ joinedAtMs, maxWaitMs }: { joinedAtMs: number; maxWaitMs: number }): number {
  return joinedAtMs + maxWaitMs
}

/**
 * The denial that tells when `own` will be served behind `before`, which waits already: when both fit together, which `probe` tells.
 * Undefined where that is now. What waits may be more than a whole window holds: each further window's worth then takes a period
 * and a slot more, by which time all that was charged until then has slid out.
 */
export async function turnAfter(
  before: CountedCost,
  own: CountedCost,
  probe: (cost: CountedCost) => Promise<PermitDenial | undefined>,
): Promise<PermitDenial | undefined> {
  const cost = sumOfCounted(before, own)
  let furtherMs = 0
  let turn: PermitDenial | undefined
  for (;;) {
    const denial = await probe(cost)
    if (denial === undefined) return turn
    const { denied } = denial
    if (denied.code !== 'request_exceeds_capacity') {
      return { ...denial, denied: { ...denied, retryAfterMs: denied.retryAfterMs + furtherMs } }
    }
    const { period, metric, limit, excess } = denied
    const isProviders = denied.model !== undefined
    const ownExcess = amountOf((isProviders ? own.limited : undefined) ?? own, metric) - limit
    if (ownExcess > 0) return { ...denial, denied: { ...denied, excess: ownExcess } }
    const windows = Math.ceil(excess / limit)
    const reduced = (isProviders ? cost.limited : undefined) ?? cost
    reduced[metric] = amountOf(reduced, metric) - windows * limit
    furtherMs = Math.max(furtherMs, windows * PERIOD_MS[period] * PERIOD_AND_SLOT)
    turn = {
      ...denial,
      denied: { status: 'denied', code: 'capacity_exceeded', period, metric, limit, retryAfterMs: furtherMs },
    }
  }
}

/** A period and one of its 60 slots, in periods: how long a charge counts at most. */
const PERIOD_AND_SLOT = 61 / 60
