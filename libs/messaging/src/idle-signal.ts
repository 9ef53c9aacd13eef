/** Tells when nothing is under way. */
export class IdleSignal {
  #underWay = 0
  #waiting: (() => void)[] = []

  begin(): void {
    this.#underWay++
  }

  end(): void {
    if (--this.#underWay > 0) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting = []
  }

  /** Resolves when nothing is under way. */
  async reached(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
