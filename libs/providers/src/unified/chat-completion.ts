import type { TokenUsage } from '@sluice/contracts'
import type { ChatCompletion } from 'openai/resources/chat/completions'
import type { AskedAnswer } from '../unified-api.ts'
import { chatId, inSeconds } from './chat-chunks.ts'
import { chatUsage } from './chat-usage.ts'

/** A whole chat completion. Usage that is not known is left out. */
export function chatCompletion(
  { answerId, receivedAtMs, model }: AskedAnswer,
  choices: ChatCompletion.Choice[],
  usage: TokenUsage | undefined,
): ChatCompletion {
  return {
    id: chatId(answerId),
    object: 'chat.completion',
    created: inSeconds(receivedAtMs),
    model,
    choices,
    ...(usage === undefined ? {} : { usage: chatUsage(usage) }),
  }
}
