import type { ContentBlockParam, ToolResultBlockParam } from '@anthropic-ai/sdk/resources/messages'

export interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: ContentBlockParam[]
}

/** A conversation in which the roles alternate: messages of one role that follow one another are one turn. */
export class Turns {
  readonly list: Turn[] = []

  /** A message without content is left out, as Anthropic refuses such. */
  add(role: Turn['role'], blocks: readonly ContentBlockParam[]): void {
    if (blocks.length > 0) this.#turn(role).content.push(...blocks)
  }

  /** Results come before whatever else the turn has, as Anthropic demands. */
  addResult(result: ToolResultBlockParam): void {
    const { content } = this.#turn('user')
    const end = content.findIndex(({ type }) => type !== 'tool_result')
    content.splice(end === -1 ? content.length : end, 0, result)
  }

  #turn(role: Turn['role']): Turn {
    const last = this.list.at(-1)
    if (last?.role === role) return last
    const turn: Turn = { role, content: [] }
    this.list.push(turn)
    return turn
  }
}
