import { NO_COST } from '@sluice/contracts'
import {
  type CountedCost,
  countedCost,
  differenceOfCounted,
  partOfCounted,
  type ReservedTokens,
  sumOfCounted,
} from '../counted-cost.ts'

/** The properties of a waiting request that decide its turn. */
export interface OrderedRequest extends ReservedTokens {
  /** The API key's id. */
  readonly owner: string
  /** When its model's cool-down ends, in monotonic milliseconds: others pass it until then. */
  readonly notBeforeMs: number
}

/** A request that does not wait. */
export interface ImmediateRequest extends ReservedTokens {
  readonly model: string
  readonly pool: string
}

/** Whose turn it is: a waiting request, or an owner whose requests do not wait, for whose next request capacity is to be kept. */
export type Turn<Waiter> =
  | { readonly kind: 'waiter'; readonly waiter: Waiter }
  | { readonly kind: 'claim'; readonly owner: string; readonly claim: ImmediateRequest }

interface OwnerState<Waiter> {
  readonly owner: string
  /** The virtual time of its next turn. */
  turn: number
  /** Breaks ties between turns at the same virtual time: the lower rank comes first. */
  rank: number
  /** First come first served. */
  readonly waiters: Waiter[]
  /** The cost of acquires in flight. */
  acquiring: CountedCost
  /** How many refused requests that do not wait are expected to retry. */
  claims: number
  claim: ImmediateRequest
  /** When the first retry is expected; no capacity is kept before. */
  dueAtMs: number
  /** When no retry is expected any more. */
  lapsesAtMs: number
  /** Capacity that is kept for the owner's next requests. */
  readonly places: { readonly cost: CountedCost; readonly untilMs: number }[]
}

/**
 * The order in which one connection's requests are served when there is not enough capacity for all: owners take turns, and an owner's
 * requests are served first come, first served. An owner whose requests do not wait takes turns as well: in its turn, capacity for one
 * request is kept for a moment. Pure state; times are monotonic milliseconds.
 *
 * Turns are virtual times, as in start-time fair queueing (Goyal, Vin, Cheng 1997) with every request of the same weight: an owner's next
 * turn is one later than its last, but never before the present, which is the turn served last. So an owner that returns after an absence
 * has saved nothing up, and an owner that was served ahead of its turn waits until the others have had theirs.
 */
export class WaitingOrder<Waiter extends OrderedRequest> {
  readonly #owners = new Map<string, OwnerState<Waiter>>()
  #present = 0
  #ranks = 0
  #size = 0

  /** How many requests wait. */
  get size(): number {
    return this.#size
  }

  /** Returns whether no request waits or is expected. */
  isIdle(nowMs: number): boolean {
    this.tidy(nowMs)
    return this.#owners.size === 0
  }

  waiters(): Waiter[] {
    return [...this.#owners.values()].flatMap(({ waiters }) => waiters)
  }

  /** Returns whether the owner may take one more of `places` places: it gets no more than it leaves to others. */
  hasRoom(owner: string, places: number): boolean {
    return (this.#owners.get(owner)?.waiters.length ?? 0) < places - this.#size
  }

  add(waiter: Waiter): void {
    const state = this.#stateOf(waiter.owner)
    state.waiters.push(waiter)
    // From now on, the owner has its turns by waiting.
    state.claims = 0
    this.#size++
  }

  /** Returns false if the request does not wait any more. */
  remove(waiter: Waiter): boolean {
    const waiters = this.#owners.get(waiter.owner)?.waiters ?? []
    const position = waiters.indexOf(waiter)
    if (position === -1) return false
    waiters.splice(position, 1)
    // Once no request waits, no owner is owed a turn.
    if (--this.#size === 0) for (const { turn } of this.#owners.values()) this.#present = Math.max(this.#present, turn)
    return true
  }

  /** Notes an acquire of the owner. Returns whether others of the same owner are in flight already. */
  beginAcquire(owner: string, own: CountedCost): boolean {
    const state = this.#stateOf(owner)
    state.acquiring = sumOfCounted(state.acquiring, own)
    return state.acquiring.requests > 1
  }

  /** Notes the end of an acquire of the owner. */
  endAcquire(owner: string, own: CountedCost): void {
    const state = this.#stateOf(owner)
    state.acquiring = differenceOfCounted(state.acquiring, own)
  }

  /**
   * Returns the cost that is served or kept before a further request of `owner`, if all expected requests arrive.
   * @param ahead how many of the owner's waiting requests come first; if absent, all of them and its acquires in flight
   */
  before(owner: string, nowMs: number, ahead?: { readonly waiters: number }): CountedCost {
    const own = this.#owners.get(owner)
    let cost: CountedCost = NO_COST
    let start = this.#turnOf(own)
    if (own !== undefined) {
      cost = costOfAll(ready(own, nowMs, ahead?.waiters ?? own.waiters.length))
      if (ahead === undefined) cost = sumOfCounted(cost, own.acquiring)
      start += cost.requests
    }
    for (const state of this.#owners.values()) {
      for (const place of state.places) cost = sumOfCounted(cost, place.cost)
      if (state === own) continue
      const isFirst = own === undefined || state.rank < own.rank
      const turns = start - this.#turnOf(state) + (isFirst ? 1 : 0)
      if (turns > 0) cost = sumOfCounted(cost, costOfTurns(state, turns, nowMs))
    }
    return cost
  }

  /** Returns whose turn it is. Requests whose pool cools down, or that are expected later, are passed over and keep their turn. */
  next(nowMs: number): Turn<Waiter> | undefined {
    let first: OwnerState<Waiter> | undefined
    for (const state of this.#owners.values()) {
      const isReady =
        state.waiters.some((waiter) => isReadyAt(waiter, nowMs)) || (state.claims > 0 && state.dueAtMs <= nowMs)
      if (isReady && (first === undefined || this.#isBefore(state, first))) first = state
    }
    if (first === undefined) return undefined
    const waiter = first.waiters.find((each) => isReadyAt(each, nowMs))
    return waiter === undefined ? { kind: 'claim', owner: first.owner, claim: first.claim } : { kind: 'waiter', waiter }
  }

  /** Notes that a waiting request of the owner was served in its turn. */
  served(owner: string): void {
    const state = this.#stateOf(owner)
    this.#present = this.#turnOf(state)
    this.#advance(state)
  }

  /** Keeps capacity for the owner's next request, in its turn. */
  keep(owner: string, nowMs: number): void {
    const state = this.#stateOf(owner)
    if (state.claims === 0) return
    state.claims--
    state.places.push({ cost: countedCost(state.claim), untilMs: nowMs + KEPT_MS })
    this.served(owner)
  }

  /** Returns the cost for which capacity is kept. */
  kept(): CountedCost {
    let kept: CountedCost = NO_COST
    for (const { places } of this.#owners.values()) for (const { cost } of places) kept = sumOfCounted(kept, cost)
    return kept
  }

  /** Takes the capacity that is kept for the owner's next request; returns false if there is none. */
  takePlace(owner: string): boolean {
    return this.#owners.get(owner)?.places.shift() !== undefined
  }

  /**
   * Notes that a request that does not wait was served. If it was its turn, another one is expected.
   * @param inTurn whether capacity had been kept for it
   */
  servedAtOnce(owner: string, request: ImmediateRequest, nowMs: number, inTurn: boolean): void {
    if (this.#size === 0) return
    const state = this.#stateOf(owner)
    if (!inTurn) this.#advance(state)
    else this.#expect(state, request, nowMs, nowMs)
  }

  /** Notes that a request that does not wait was refused with a retry after `againMs`; clients may retry earlier than that. */
  refused(owner: string, request: ImmediateRequest, nowMs: number, againMs: number): void {
    const isExpected = (this.#owners.get(owner)?.claims ?? 0) > 0
    if (this.#size === 0 && !isExpected) return
    const state = this.#stateOf(owner)
    this.#expect(state, request, nowMs, isExpected ? nowMs : nowMs + againMs)
  }

  /** Expects no retry of the owner any more. */
  forget(owner: string): void {
    this.#stateOf(owner).claims = 0
  }

  /** Releases capacity that was kept for too long, and forgets owners without a state worth keeping. */
  tidy(nowMs: number): void {
    for (const state of this.#owners.values()) {
      while ((state.places[0]?.untilMs ?? nowMs) < nowMs) {
        state.places.shift()
        // The expected request did not come.
        state.claims = 0
      }
      if (state.lapsesAtMs < nowMs) state.claims = 0
      const isPresent = state.waiters.length + state.acquiring.requests + state.claims + state.places.length > 0
      if (!isPresent && state.turn <= this.#present) this.#owners.delete(state.owner)
    }
  }

  #stateOf(owner: string): OwnerState<Waiter> {
    let state = this.#owners.get(owner)
    if (state === undefined) {
      state = {
        owner,
        turn: this.#present,
        rank: ++this.#ranks,
        waiters: [],
        acquiring: NO_COST,
        claims: 0,
        claim: NOTHING,
        dueAtMs: 0,
        lapsesAtMs: 0,
        places: [],
      }
      this.#owners.set(owner, state)
    }
    return state
  }

  #turnOf(state: OwnerState<Waiter> | undefined): number {
    return Math.max(this.#present, state?.turn ?? this.#present)
  }

  #isBefore(one: OwnerState<Waiter>, other: OwnerState<Waiter>): boolean {
    return (
      this.#turnOf(one) - this.#turnOf(other) < 0 ||
      (this.#turnOf(one) === this.#turnOf(other) && one.rank < other.rank)
    )
  }

  #advance(state: OwnerState<Waiter>): void {
    state.turn = this.#turnOf(state) + 1
    state.rank = ++this.#ranks
  }

  #expect(state: OwnerState<Waiter>, request: ImmediateRequest, nowMs: number, atMs: number): void {
    if (state.waiters.length > 0) return
    const dueAtMs = Math.max(nowMs, atMs - EARLY_MS)
    state.dueAtMs = state.claims === 0 ? dueAtMs : Math.min(state.dueAtMs, dueAtMs)
    state.lapsesAtMs = Math.max(state.lapsesAtMs, atMs + KEPT_MS)
    state.claims++
    state.claim = request
  }
}

/** How long capacity is kept for a request that does not wait: for its way here, and a Retry-After in whole seconds. */
const KEPT_MS = 3_000
/** How long before its expected time a retry is prepared for. */
const EARLY_MS = 1_000

const NOTHING: ImmediateRequest = { model: '', pool: '', tokens: 0 }

function isReadyAt({ notBeforeMs }: OrderedRequest, nowMs: number): boolean {
  return notBeforeMs <= nowMs
}

/** Returns the first `most` requests that may be served. */
function ready<Waiter extends OrderedRequest>({ waiters }: OwnerState<Waiter>, nowMs: number, most: number): Waiter[] {
  const found: Waiter[] = []
  for (const waiter of waiters) {
    if (found.length >= most) break
    if (isReadyAt(waiter, nowMs)) found.push(waiter)
  }
  return found
}

function costOfAll(waiters: readonly OrderedRequest[]): CountedCost {
  return waiters.reduce((sum, waiter) => sumOfCounted(sum, countedCost(waiter)), NO_COST)
}

/** Returns the cost of an owner's next `turns` turns. */
function costOfTurns<Waiter extends OrderedRequest>(
  state: OwnerState<Waiter>,
  turns: number,
  nowMs: number,
): CountedCost {
  const waiting = ready(state, nowMs, turns)
  const acquiring = Math.min(state.acquiring.requests, turns - waiting.length)
  let cost = costOfAll(waiting)
  if (acquiring > 0) cost = sumOfCounted(cost, partOfCounted(state.acquiring, acquiring, state.acquiring.requests))
  const claims = Math.min(state.claims, turns - waiting.length - acquiring)
  const claim = countedCost(state.claim)
  return claims > 0 ? sumOfCounted(cost, partOfCounted(claim, claims, 1)) : cost
}
