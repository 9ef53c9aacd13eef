/**
 * Limits how much of this thread's time each owner may use: a tenth, with bursts of up to {@link BURST_NS}. There are as many owners as API
 * keys.
 */
export class ThreadTime {
  readonly #nowMs: () => number
  /** The time that recent owners have used beyond their tenth, and the time of the count. */
  readonly #used = new Map<string, { usedNs: number; asOfMs: number }>()

  /** @param nowMs monotonic milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Returns whether the owner may use this time now; counts it if so. */
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

  /** Corrects the count by the difference of used and taken time, which may be negative. */
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
/** After this time without use, the count is 0. */
const IDLE_MS = BURST_NS / SHARE_NS_PER_MS
const MANY = 10_000
