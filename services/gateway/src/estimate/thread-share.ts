/** Items of several owners: owners take turns, each one's items are first come first served. */
export class FairQueue<Item> {
  /** In the order of their turns. None is empty. */
  readonly #items = new Map<string, Item[]>()

  add(owner: string, item: Item): void {
    const own = this.#items.get(owner)
    if (own === undefined) this.#items.set(owner, [item])
    else own.push(item)
  }

  /** Takes the next item; undefined where there is none. @param passesOver whether it is not an owner's turn, whoever else waits */
  take(passesOver: (owner: string) => boolean = () => false): Item | undefined {
    for (const [owner, own] of this.#items) {
      if (passesOver(owner)) continue
      const item = own.shift()
      this.#items.delete(owner)
      if (own.length > 0) this.#items.set(owner, own)
      return item
    }
    return undefined
  }
}

/**
 * The time of this thread that each owner may use without asking: a tenth of all, and in a burst that of {@link BURST_NS}. Owners are as many
 * as there are API keys.
 */
export class ThreadTime {
  readonly #nowMs: () => number
  /** Of those that used some lately: how much they have used beyond their tenth, and as of when. */
  readonly #used = new Map<string, { usedNs: number; asOfMs: number }>()

  /** @param nowMs monotonic milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Whether the owner may use so much more now; counts it if so. */
  take(owner: string, durationNs: number): boolean {
    const nowMs = this.#nowMs()
    let use = this.#used.get(owner)
    if (use === undefined) {
      if (this.#used.size >= MANY) this.#forgetIdle(nowMs)
      use = { usedNs: 0, asOfMs: nowMs }
      this.#used.set(owner, use)
    }
    use.usedNs = Math.max(0, use.usedNs - (nowMs - use.asOfMs) * SHARE_NS_PER_MS)
    use.asOfMs = nowMs
    if (use.usedNs + durationNs > BURST_NS) return false
    use.usedNs += durationNs
    return true
  }

  /** Counts what was used beyond what was taken; less than nothing, where it was less. */
  add(owner: string, durationNs: number): void {
    const use = this.#used.get(owner)
    if (use !== undefined) use.usedNs += durationNs
  }

  #forgetIdle(nowMs: number): void {
    for (const [owner, { asOfMs }] of this.#used) if (nowMs - asOfMs > IDLE_MS) this.#used.delete(owner)
  }
}

const SHARE_NS_PER_MS = 100_000
const BURST_NS = 20_000_000
/** After which nobody has used anything. */
const IDLE_MS = BURST_NS / SHARE_NS_PER_MS
const MANY = 10_000
