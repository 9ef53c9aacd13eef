export interface Turn<Block> {
  readonly role: 'user' | 'assistant'
  readonly content: Block[]
}

/** A conversation in which the roles alternate: messages of one role that follow one another are one turn. */
export class AlternatingTurns<Block> {
  readonly list: Turn<Block>[] = []
  /** How many results the last turn begins with. */
  #results = 0

  /** A message without content is left out. */
  add(role: Turn<Block>['role'], blocks: readonly Block[]): void {
    if (blocks.length === 0) return
    const { content } = this.#turn(role)
    for (const block of blocks) content.push(block)
  }

  /** Results come before whatever else the turn has. */
  addResult(result: Block): void {
    const { content } = this.#turn('user')
    content.splice(this.#results++, 0, result)
  }

  #turn(role: Turn<Block>['role']): Turn<Block> {
    const last = this.list.at(-1)
    if (last?.role === role) return last
    const turn: Turn<Block> = { role, content: [] }
    this.list.push(turn)
    this.#results = 0
    return turn
  }
}
