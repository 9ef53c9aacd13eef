import { amountOf, NO_COST, PERIOD_MS } from '@sluice/contracts'
import { type CountedCost, countedCost, type ReservedTokens, sumOfCounted } from '../counted-cost.ts'
import { type PermitDenial, retryAfterMs } from '../denial.ts'
import { type ImmediateRequest, type OrderedRequest, WaitingOrder } from './waiting-order.ts'

/** A request that may wait for its permit. */
export interface WaitingRequest extends ReservedTokens {
  /** The API key's id. */
  readonly owner: string
  readonly model: string
  /** The pool of the model's requests that share a provider limit. */
  readonly pool: string
  /** How long the request may wait; 0: it does not wait. */
  readonly maxWaitMs: number
  /** Aborts when the client disconnects. */
  readonly disconnected: AbortSignal
}

/** The result of an acquire: a denial, or `Served`, with which the request is served. */
type AcquireResult<Served> = Served | PermitDenial

/** The result of waiting: that of the acquire, or that the client disconnected. */
type WaitResult<Served> = AcquireResult<Served> | { readonly status: 'disconnected' }

export interface WaitingLineDeps<Served> {
  /** Acquires a permit without waiting. Never rejects. */
  readonly acquire: (request: ImmediateRequest) => Promise<AcquireResult<Served>>
  /** Returns the denial that says when `cost` could be granted; undefined if it could be now. Never rejects. */
  readonly probe: (request: ImmediateRequest, cost: CountedCost) => Promise<PermitDenial | undefined>
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  readonly sleep: (durationMs: number) => Promise<void>
  /** How many requests may wait at a time; an owner gets no more places than it leaves free. Further requests are denied. */
  readonly maxWaiting: number
}

/** The requests of one connection that wait for their permits. Owners take turns; an owner's requests are served first come, first served. */
export interface WaitingLine<Served> {
  /** Resolves when the request is served; with a denial at once if the wait would be longer than allowed. */
  join(request: WaitingRequest): Promise<WaitResult<Served>>
  /** Returns whether no request waits and no owner has to be remembered. */
  isIdle(): boolean
}

interface Waiter<Served> extends WaitingRequest, OrderedRequest {
  readonly joinedAtMs: number
  /** When the cool-down of its pool ends; other requests pass it until then. */
  notBeforeMs: number
  readonly resolve: (outcome: WaitResult<Served>) => void
}

/**
 * The request whose turn it is acquires its permit as soon as there may be capacity, and keeps its turn until it is served. Before a request
 * joins, a probe finds out whether it can be served in time together with all that are ahead of it. Requests that do not wait have turns
 * too: see {@link WaitingOrder}.
 */
export function createWaitingLine<Served extends { readonly status: 'granted' | 'unavailable' }>(
  deps: WaitingLineDeps<Served>,
): WaitingLine<Served> {
  const order = new WaitingOrder<Waiter<Served>>()
  let acquiring: Waiter<Served> | undefined
  let isServing = false

  const join = async (request: WaitingRequest): Promise<WaitResult<Served>> => {
    const { owner, maxWaitMs } = request
    const own = countedCost(request)
    order.tidy(deps.nowMs())
    const hasPlace = order.takePlace(owner)
    const isFree = hasPlace || (order.size === 0 && maxWaitMs === 0)
    const before = isFree ? NO_COST : order.before(owner, deps.nowMs())
    const isOneOfMany = order.beginAcquire(owner, own)
    const outcome = await acquireBehind(request, before)
    order.endAcquire(owner, own)
    if (outcome.status !== 'denied') {
      order.servedAtOnce(owner, request, deps.nowMs(), hasPlace)
      return outcome
    }
    if (request.disconnected.aborted) return DISCONNECTED
    if (retryAfterMs(outcome) <= maxWaitMs && order.hasRoom(owner, deps.maxWaiting)) return wait(request)
    return refuse(request, isFree || !isOneOfMany ? outcome : await firstTurn(request, outcome))
  }

  /** Acquires a permit, unless those ahead of the request leave no capacity for it. */
  const acquireBehind = async (request: ImmediateRequest, before: CountedCost): Promise<AcquireResult<Served>> =>
    (await denialBehind(request, before)) ?? deps.acquire(request)

  /** Returns the denial that says when the request is served after `before`; undefined if that may be now. */
  const denialBehind = async (request: ImmediateRequest, before: CountedCost): Promise<PermitDenial | undefined> =>
    before.requests === 0 ? undefined : turnAfter(before, countedCost(request), (cost) => deps.probe(request, cost))

  /** Returns the denial for the first turn of the request's owner: of all its requests that are refused now, any may retry first. */
  const firstTurn = async (request: WaitingRequest, denial: PermitDenial): Promise<PermitDenial> =>
    (await denialBehind(request, order.before(request.owner, deps.nowMs(), ALONE))) ?? denial

  /** Refuses the request, and expects a retry if waiting helps. */
  const refuse = (request: WaitingRequest, denial: PermitDenial): PermitDenial => {
    const isExpected = denial.denied.code === 'capacity_exceeded'
    if (isExpected) order.refused(request.owner, request, deps.nowMs(), retryAfterMs(denial))
    return denial
  }

  const wait = (request: WaitingRequest): Promise<WaitResult<Served>> =>
    new Promise((resolve) => {
      const joinedAtMs = deps.nowMs()
      const waiter: Waiter<Served> = { ...request, joinedAtMs, notBeforeMs: joinedAtMs, resolve }
      order.add(waiter)
      request.disconnected.addEventListener('abort', () => {
        // The result of an acquire in flight may be a permit, which then has to be refunded.
        if (waiter !== acquiring) remove(waiter, DISCONNECTED)
      })
      if (isServing) return
      isServing = true
      void serve()
    })

  const serve = async (): Promise<void> => {
    while (order.size > 0) {
      const nowMs = deps.nowMs()
      order.tidy(nowMs)
      for (const waiter of order.waiters()) if (deadlineMs(waiter) < nowMs) timeOut(waiter)
      const turn = order.next(nowMs)
      let againMs = RECHECK_MS
      if (turn?.kind === 'waiter') againMs = await serveWaiter(turn.waiter)
      else if (turn?.kind === 'claim') againMs = await keepRoom(turn.owner, turn.claim)
      if (againMs > 0) await deps.sleep(Math.min(againMs, RECHECK_MS))
    }
    isServing = false
  }

  /** Acquires a permit for the first request in the line; returns how long to wait before the next attempt. */
  const serveWaiter = async (front: Waiter<Served>): Promise<number> => {
    const kept = order.kept()
    if (kept.requests > 0) {
      const denial = await deps.probe(front, sumOfCounted(kept, countedCost(front)))
      if (denial !== undefined)
        return denial.denied.code === 'upstream_cool_down' ? coolDown(front, denial) : retryAfterMs(denial)
      if (!order.waiters().includes(front)) return 0
    }
    acquiring = front
    const outcome = await deps.acquire(front)
    acquiring = undefined
    if (outcome.status !== 'denied') {
      order.served(front.owner)
      remove(front, outcome)
      return 0
    }
    const againMs = retryAfterMs(outcome)
    if (front.disconnected.aborted) remove(front, DISCONNECTED)
    else if (deps.nowMs() + againMs > deadlineMs(front)) remove(front, outcome)
    else if (outcome.denied.code === 'upstream_cool_down') coolDown(front, outcome)
    else return againMs
    return 0
  }

  const coolDown = (front: Waiter<Served>, denial: PermitDenial): number => {
    front.notBeforeMs = deps.nowMs() + retryAfterMs(denial)
    return 0
  }

  /** Keeps capacity for a request that does not wait, if there is any; returns how long to wait before the next attempt. */
  const keepRoom = async (owner: string, claim: ImmediateRequest): Promise<number> => {
    const kept = order.kept()
    const denial = await deps.probe(claim, sumOfCounted(kept, countedCost(claim)))
    if (denial === undefined) {
      order.keep(owner, deps.nowMs())
      return 0
    }
    if (denial.denied.code === 'capacity_exceeded' || kept.requests > 0) return retryAfterMs(denial)
    order.forget(owner)
    return 0
  }

  /** Ends the wait of a request whose time is up, with a denial that says when it could be served from now on. */
  const timeOut = (waiter: Waiter<Served>): void => {
    const { owner } = waiter
    const ahead = order
      .waiters()
      .filter((other) => other.owner === owner)
      .indexOf(waiter)
    const before = order.before(owner, deps.nowMs(), { waiters: ahead })
    order.remove(waiter)
    void acquireBehind(waiter, before).then(waiter.resolve)
  }

  const remove = (waiter: Waiter<Served>, outcome: WaitResult<Served>): void => {
    if (order.remove(waiter)) waiter.resolve(outcome)
  }

  return { join, isIdle: () => order.isIdle(deps.nowMs()) }
}

/** Refunds may free capacity before a window does. Also the longest delay until an ended wait is noticed. */
const RECHECK_MS = 100

const DISCONNECTED = { status: 'disconnected' } as const
const ALONE = { waiters: Number.POSITIVE_INFINITY } as const

function deadlineMs({ joinedAtMs, maxWaitMs }: { joinedAtMs: number; maxWaitMs: number }): number {
  return joinedAtMs + maxWaitMs
}

/**
 * Returns the denial that says when `own` can be served after `before`, which waits already: as soon as both fit together, by `probe`.
 * Undefined if that is now. If more waits than a whole window holds, each further window's worth takes another period and slot, after which
 * everything charged until then has left the window.
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

/** The longest time for which a charge counts, in periods: the period and one of its 60 slots. */
const PERIOD_AND_SLOT = 61 / 60
