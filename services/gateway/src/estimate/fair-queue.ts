/** A queue of several owners' items: owners take turns, and an owner's items are served first come, first served. */
export class FairQueue<Item> {
  /** In the order of turns. No list is empty. */
  readonly #items = new Map<string, Item[]>()

  add(owner: string, item: Item): void {
    const own = this.#items.get(owner)
    if (own === undefined) this.#items.set(owner, [item])
    else own.push(item)
  }

  /**
   * Takes the next item; undefined if there is none.
   * @param passesOver returns whether to skip an owner, who keeps its turn
   */
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
