import type { Refusal } from '../unified-api.ts'
import { JsonStructure, MAX_DEPTH, MAX_ITEMS, MAX_MEMBERS } from '../wire/json-structure.ts'
import type { ChatMessage } from './chat-request.ts'
import { refuse } from './refusal.ts'

/**
 * Refuses a conversation whose tool calls have arguments of which there is too much to be parsed, all of them together: they are JSON in
 * strings, which reading the body itself did not count. undefined where there is not.
 */
export function refuseExcessiveArguments(messages: readonly ChatMessage[]): Refusal | undefined {
  let members = 0
  let items = 0
  for (const message of messages) {
    if (message.role !== 'assistant') continue
    for (const call of message.tool_calls ?? []) {
      // Each by itself: text that is no JSON may end in the middle of a string.
      const structure = new JsonStructure()
      structure.push(Buffer.from(call.function.arguments))
      members += structure.members
      items += Math.max(0, structure.items)
      if (structure.depth > MAX_DEPTH) return TOO_DEEP
      if (members > MAX_MEMBERS || items > MAX_ITEMS) return TOO_MUCH
    }
  }
  return undefined
}

const TOO_DEEP = refuse('messages', `The arguments of a tool call are nested more than ${MAX_DEPTH} levels deep.`)
const TOO_MUCH = refuse(
  'messages',
  `The arguments of the tool calls have more than ${MAX_MEMBERS} objects, arrays and members, or ${MAX_ITEMS} other items.`,
)
