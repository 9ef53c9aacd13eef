export interface SlotsOptions {
  readonly count: number
  /** The most requests of one owner that wait; further ones are turned away. */
  readonly maxWaitingPerOwner: number
}

export interface SlotWait {
  /** Aborts when the client disconnects. */
  readonly disconnected: AbortSignal
  readonly maxWaitMs: number
}

/** A slot, to be given back once; or why there is none. */
export type Taken =
  | { readonly status: 'taken'; readonly giveBack: () => void }
  /** Too many of the same owner wait already. */
  | { readonly status: 'crowded' }
  /** None was free in time. */
  | { readonly status: 'late' }
  /** The client disconnected while it waited. */
  | { readonly status: 'disconnected' }

interface Waiter {
  readonly end: (taken: Taken) => void
}

/**
 * Limits how much goes on at the same time. An owner takes no more slots than are free then: half of them if it is alone, so that others
 * always find some. Owners that wait take turns; an owner's requests are served first come, first served.
 */
export class Slots {
  readonly #maxWaitingPerOwner: number
  #free: number
  readonly #taken = new Map<string, number>()
  /** By owner; whose turn is next comes first. */
  readonly #waiting = new Map<string, Waiter[]>()

  constructor({ count, maxWaitingPerOwner }: SlotsOptions) {
    this.#free = count
    this.#maxWaitingPerOwner = maxWaitingPerOwner
  }

  async take(owner: string, { disconnected, maxWaitMs }: SlotWait): Promise<Taken> {
    if (disconnected.aborted) return { status: 'disconnected' }
    const waiting = this.#waiting.get(owner) ?? []
    if (waiting.length === 0 && this.#mayTake(owner)) return this.#take(owner)
    if (waiting.length >= this.#maxWaitingPerOwner) return { status: 'crowded' }
    return new Promise((resolve) => {
      const end = (taken: Taken): void => {
        clearTimeout(timer)
        disconnected.removeEventListener('abort', abandon)
        this.#remove(owner, waiter)
        resolve(taken)
      }
      const abandon = () => end({ status: 'disconnected' })
      const timer = setTimeout(() => end({ status: 'late' }), maxWaitMs)
      disconnected.addEventListener('abort', abandon)
      const waiter: Waiter = { end }
      waiting.push(waiter)
      this.#waiting.set(owner, waiting)
    })
  }

  #mayTake(owner: string): boolean {
    return (this.#taken.get(owner) ?? 0) < this.#free
  }

  #take(owner: string): Taken {
    this.#free--
    this.#taken.set(owner, (this.#taken.get(owner) ?? 0) + 1)
    let isBack = false
    const giveBack = (): void => {
      if (isBack) return
      isBack = true
      this.#free++
      const remaining = (this.#taken.get(owner) ?? 0) - 1
      if (remaining > 0) this.#taken.set(owner, remaining)
      else this.#taken.delete(owner)
      this.#serve()
    }
    return { status: 'taken', giveBack }
  }

  #serve(): void {
    for (const [owner, [waiter]] of [...this.#waiting]) {
      if (waiter === undefined || !this.#mayTake(owner)) continue
      waiter.end(this.#take(owner))
      const others = this.#waiting.get(owner)
      if (others === undefined) continue
      this.#waiting.delete(owner)
      this.#waiting.set(owner, others)
    }
  }

  #remove(owner: string, waiter: Waiter): void {
    const waiting = this.#waiting.get(owner) ?? []
    const position = waiting.indexOf(waiter)
    if (position !== -1) waiting.splice(position, 1)
    if (waiting.length === 0) this.#waiting.delete(owner)
  }
}
