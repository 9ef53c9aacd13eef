export interface Turn<Block> {
  readonly role: 'user' | 'assistant'
  readonly content: Block[]
}

/** A conversation in which the roles alternate: messages of one role that follow one another are one turn. */
export class AlternatingTurns<Block> {
  readonly list: Turn<Block>[] = []
  readonly #isResult: (block: Block) => boolean

  /** @param isResult whether a block is a tool's result */
  constructor(isResult: (block: Block) => boolean) {
    this.#isResult = isResult
  }

  /** A message without content is left out. */
  add(role: Turn<Block>['role'], blocks: readonly Block[]): void {
    if (blocks.length > 0) this.#turn(role).content.push(...blocks)
  }

  /** Results come before whatever else the turn has. */
  addResult(result: Block): void {
    const { content } = this.#turn('user')
    const end = content.findIndex((block) => !this.#isResult(block))
    content.splice(end === -1 ? content.length : end, 0, result)
  }

  #turn(role: Turn<Block>['role']): Turn<Block> {
    const last = this.list.at(-1)
    if (last?.role === role) return last
    const turn: Turn<Block> = { role, content: [] }
    this.list.push(turn)
    return turn
  }
}
