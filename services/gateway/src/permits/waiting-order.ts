import { NO_COST } from '@sluice/contracts'
import {
  type CountedCost,
  countedCost,
  differenceOfCounted,
  partOfCounted,
  type ReservedTokens,
  sumOfCounted,
} from './reservation.ts'

/** A request in the line, as far as its turn depends on it. */
export interface Ordered extends ReservedTokens {
  /** Whose it is: the API key's id. */
  readonly owner: string
  /** Until then, monotonic milliseconds, it lets others pass: its model cools down. */
  readonly notBeforeMs: number
}

/** What a request that does not wait asked for. */
export interface Passing extends ReservedTokens {
  readonly model: string
  readonly pool: string
}

/** Whose turn it is: a request that waits, or an owner whose requests do not, for the next of which room is to be kept. */
export type Turn<Waiter> =
  | { readonly kind: 'waiter'; readonly waiter: Waiter }
  | { readonly kind: 'claim'; readonly owner: string; readonly claim: Passing }

interface Party<Waiter> {
  readonly owner: string
  /** The virtual time of its next turn. */
  turn: number
  /** Who comes first among those whose turn is at the same virtual time: the lower one. */
  rank: number
  /** First come first served. */
  readonly waiters: Waiter[]
  /** Requests for which capacity is being asked at the moment. */
  asking: CountedCost
  /** How many requests that do not wait came and are expected again. */
  claims: number
  claim: Passing
  /** When the first of them is expected: no room is kept before. */
  dueAtMs: number
  /** Nobody is expected any more. */
  lapsesAtMs: number
  /** Room that is kept for its next requests. */
  readonly places: { readonly cost: CountedCost; readonly untilMs: number }[]
}

/**
 * The order in which one connection's requests are served when there is not enough for all: owners take turns, and the requests of one
 * are served first come first served. An owner whose requests do not wait takes turns as well: in its turn, room for one request is kept
 * for a moment. Pure state; times are monotonic milliseconds.
 *
 * Turns are virtual times, as in start-time fair queueing (Goyal, Vin, Cheng 1997) with every request of the same weight: an owner's next
 * turn is one later than its last, but never before the present, which is the turn served last. So whoever comes back after an
 * absence has saved up nothing, and whoever was served ahead of its turn waits until the others have had theirs.
 */
export class WaitingOrder<Waiter extends Ordered> {
  readonly #parties = new Map<string, Party<Waiter>>()
  #present = 0
  #ranks = 0
  #size = 0

  /** How many requests wait. */
  get size(): number {
    return this.#size
  }

  /** Whether nobody waits or is expected. */
  isIdle(nowMs: number): boolean {
    this.tidy(nowMs)
    return this.#parties.size === 0
  }

  waiters(): Waiter[] {
    return [...this.#parties.values()].flatMap(({ waiters }) => waiters)
  }

  /** Whether the owner may have one more of `places` places: it gets no more than it leaves to others. */
  hasRoom(owner: string, places: number): boolean {
    return (this.#parties.get(owner)?.waiters.length ?? 0) < places - this.#size
  }

  add(waiter: Waiter): void {
    const party = this.#partyOf(waiter.owner)
    party.waiters.push(waiter)
    // From now on it has its turns by waiting.
    party.claims = 0
    this.#size++
  }

  /** Returns false where it does not wait any more. */
  remove(waiter: Waiter): boolean {
    const waiters = this.#parties.get(waiter.owner)?.waiters ?? []
    const position = waiters.indexOf(waiter)
    if (position === -1) return false
    waiters.splice(position, 1)
    // Nobody is owed anything once nobody waits.
    if (--this.#size === 0) for (const { turn } of this.#parties.values()) this.#present = Math.max(this.#present, turn)
    return true
  }

  /** Capacity is being asked for a request of the owner. Returns whether it is for others of the same owner already. */
  begin(owner: string, own: CountedCost): boolean {
    const party = this.#partyOf(owner)
    party.asking = sumOfCounted(party.asking, own)
    return party.asking.requests > 1
  }

  /** Capacity has answered. */
  end(owner: string, own: CountedCost): void {
    const party = this.#partyOf(owner)
    party.asking = differenceOfCounted(party.asking, own)
  }

  /**
   * What will be granted or is kept before a further request of `owner` is served, if everybody comes who is expected.
   * @param ahead of its own requests, those that are served before it; all that wait or are being asked for unless given
   */
  before(owner: string, nowMs: number, ahead?: { readonly waiters: number }): CountedCost {
    const own = this.#parties.get(owner)
    let cost: CountedCost = NO_COST
    let start = this.#turnOf(own)
    if (own !== undefined) {
      cost = costOfAll(ready(own, nowMs, ahead?.waiters ?? own.waiters.length))
      if (ahead === undefined) cost = sumOfCounted(cost, own.asking)
      start += cost.requests
    }
    for (const party of this.#parties.values()) {
      for (const place of party.places) cost = sumOfCounted(cost, place.cost)
      if (party === own) continue
      const isFirst = own === undefined || party.rank < own.rank
      const turns = start - this.#turnOf(party) + (isFirst ? 1 : 0)
      if (turns > 0) cost = sumOfCounted(cost, costOfTurns(party, turns, nowMs))
    }
    return cost
  }

  /** Whose turn it is. Those that cool down, or are expected later, are passed over and keep their turn. */
  next(nowMs: number): Turn<Waiter> | undefined {
    let first: Party<Waiter> | undefined
    for (const party of this.#parties.values()) {
      const isReady =
        party.waiters.some((waiter) => isReadyAt(waiter, nowMs)) || (party.claims > 0 && party.dueAtMs <= nowMs)
      if (isReady && (first === undefined || this.#isBefore(party, first))) first = party
    }
    if (first === undefined) return undefined
    const waiter = first.waiters.find((each) => isReadyAt(each, nowMs))
    return waiter === undefined ? { kind: 'claim', owner: first.owner, claim: first.claim } : { kind: 'waiter', waiter }
  }

  /** One that waited was served in its turn. */
  served(owner: string): void {
    const party = this.#partyOf(owner)
    this.#present = this.#turnOf(party)
    this.#advance(party)
  }

  /** Keeps room for the owner's next request, in its turn. */
  keep(owner: string, nowMs: number): void {
    const party = this.#partyOf(owner)
    if (party.claims === 0) return
    party.claims--
    party.places.push({ cost: countedCost(party.claim), untilMs: nowMs + KEPT_MS })
    this.served(owner)
  }

  /** What is kept. */
  kept(): CountedCost {
    let kept: CountedCost = NO_COST
    for (const { places } of this.#parties.values()) for (const { cost } of places) kept = sumOfCounted(kept, cost)
    return kept
  }

  /** Takes the room that is kept for the owner's next request; false where there is none. */
  takePlace(owner: string): boolean {
    return this.#parties.get(owner)?.places.shift() !== undefined
  }

  /**
   * One that does not wait was served: as many as come are expected to come again.
   * @param inTurn whether room had been kept for it
   */
  passed(owner: string, request: Passing, nowMs: number, inTurn: boolean): void {
    if (this.#size === 0) return
    const party = this.#partyOf(owner)
    if (!inTurn) this.#advance(party)
    else this.#expect(party, request, nowMs, nowMs)
  }

  /** One that does not wait was refused, and may come again in `againMs`; others come earlier than they were told. */
  missed(owner: string, request: Passing, nowMs: number, againMs: number): void {
    const isExpected = (this.#parties.get(owner)?.claims ?? 0) > 0
    if (this.#size === 0 && !isExpected) return
    const party = this.#partyOf(owner)
    this.#expect(party, request, nowMs, isExpected ? nowMs : nowMs + againMs)
  }

  /** Expects nobody of the owner any more. */
  forget(owner: string): void {
    this.#partyOf(owner).claims = 0
  }

  /** Lets go of what was kept for too long, and of those of whom nothing is to be remembered. */
  tidy(nowMs: number): void {
    for (const party of this.#parties.values()) {
      while ((party.places[0]?.untilMs ?? nowMs) < nowMs) {
        party.places.shift()
        // Nobody came.
        party.claims = 0
      }
      if (party.lapsesAtMs < nowMs) party.claims = 0
      const isPresent = party.waiters.length + party.asking.requests + party.claims + party.places.length > 0
      if (!isPresent && party.turn <= this.#present) this.#parties.delete(party.owner)
    }
  }

  #partyOf(owner: string): Party<Waiter> {
    let party = this.#parties.get(owner)
    if (party === undefined) {
      party = {
        owner,
        turn: this.#present,
        rank: ++this.#ranks,
        waiters: [],
        asking: NO_COST,
        claims: 0,
        claim: NOTHING,
        dueAtMs: 0,
        lapsesAtMs: 0,
        places: [],
      }
      this.#parties.set(owner, party)
    }
    return party
  }

  #turnOf(party: Party<Waiter> | undefined): number {
    return Math.max(this.#present, party?.turn ?? this.#present)
  }

  #isBefore(one: Party<Waiter>, other: Party<Waiter>): boolean {
    return (
      this.#turnOf(one) - this.#turnOf(other) < 0 ||
      (this.#turnOf(one) === this.#turnOf(other) && one.rank < other.rank)
    )
  }

  #advance(party: Party<Waiter>): void {
    party.turn = this.#turnOf(party) + 1
    party.rank = ++this.#ranks
  }

  #expect(party: Party<Waiter>, request: Passing, nowMs: number, atMs: number): void {
    if (party.waiters.length > 0) return
    const dueAtMs = Math.max(nowMs, atMs - EARLY_MS)
    party.dueAtMs = party.claims === 0 ? dueAtMs : Math.min(party.dueAtMs, dueAtMs)
    party.lapsesAtMs = Math.max(party.lapsesAtMs, atMs + KEPT_MS)
    party.claims++
    party.claim = request
  }
}

/** For how long room is kept for a request that does not wait: for its way, and a Retry-After in whole seconds. */
const KEPT_MS = 3_000
/** By how much before it is expected. */
const EARLY_MS = 1_000

const NOTHING: Passing = { model: '', pool: '', tokens: 0 }

function isReadyAt({ notBeforeMs }: Ordered, nowMs: number): boolean {
  return notBeforeMs <= nowMs
}

/** The first `most` of those that may be served. */
function ready<Waiter extends Ordered>({ waiters }: Party<Waiter>, nowMs: number, most: number): Waiter[] {
  const found: Waiter[] = []
  for (const waiter of waiters) {
    if (found.length >= most) break
    if (isReadyAt(waiter, nowMs)) found.push(waiter)
  }
  return found
}

function costOfAll(waiters: readonly Ordered[]): CountedCost {
  return waiters.reduce((sum, waiter) => sumOfCounted(sum, countedCost(waiter)), NO_COST)
}

/** What the party's next `turns` turns cost. */
function costOfTurns<Waiter extends Ordered>(party: Party<Waiter>, turns: number, nowMs: number): CountedCost {
  const waiting = ready(party, nowMs, turns)
  const asking = Math.min(party.asking.requests, turns - waiting.length)
  let cost = costOfAll(waiting)
  if (asking > 0) cost = sumOfCounted(cost, partOfCounted(party.asking, asking, party.asking.requests))
  const claims = Math.min(party.claims, turns - waiting.length - asking)
  const claim = countedCost(party.claim)
  return claims > 0 ? sumOfCounted(cost, partOfCounted(claim, claims, 1)) : cost
}
