import type { Refusal } from '../unified-api.ts'
import type { ChatRequest } from './chat-request.ts'
import { refuse } from './refusal.ts'

/** Whether the answer must have a tool call. */
export function forcesTool({ tool_choice: choice }: ChatRequest): boolean {
  return choice === 'required' || typeof choice === 'object'
}

/** Undefined where the tools have what is chosen of them. */
export function refuseToolChoice(chat: ChatRequest): Refusal | undefined {
  const { tools = [], tool_choice: choice } = chat
  if (forcesTool(chat) && tools.length === 0) return refuse('tool_choice', 'There are no tools to choose from.')
  if (typeof choice !== 'object' || tools.some((tool) => tool.function.name === choice.function.name)) return undefined
  return refuse('tool_choice.function.name', `There is no tool "${choice.function.name}" in "tools".`)
}
