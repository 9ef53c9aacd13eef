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
