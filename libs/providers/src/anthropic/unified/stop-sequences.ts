import type { ChatRequest } from '../../unified/chat-request.ts'
import { refuse } from '../../unified/refusal.ts'
import { isBlank } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'

/** @see https://platform.claude.com/docs/en/api/openai-sdk on `stop` */
export function toStopSequences({ stop = [] }: ChatRequest): string[] | Refusal {
  const sequences = typeof stop === 'string' ? [stop] : stop
  return sequences.some(isBlank)
    ? refuse('stop', 'Anthropic takes no stop sequence that is only white space.')
    : sequences
}
