import type { TokenUsage } from '@sluice/contracts'
import type { ChatCompletion } from 'openai/resources/chat/completions'
import type { AskedResponse } from '../unified-api.ts'
import { chatId, type FinishReason, inSeconds } from './chat-chunks.ts'
import { chatUsage } from './chat-usage.ts'

/** A choice of OpenAI's but for the words of its end. */
export interface CompletedChoice extends Omit<ChatCompletion.Choice, 'finish_reason'> {
  readonly finish_reason: FinishReason
}

export interface CompletedChat extends Omit<ChatCompletion, 'choices'> {
  readonly choices: readonly CompletedChoice[]
}

/** A whole chat completion. Usage that is not known is left out. */
export function chatCompletion(
  { responseId, receivedAtMs, model }: AskedResponse,
  choices: readonly CompletedChoice[],
  usage: TokenUsage | undefined,
): CompletedChat {
  return {
    id: chatId(responseId),
    object: 'chat.completion',
    created: inSeconds(receivedAtMs),
    model,
    choices,
    ...(usage === undefined ? {} : { usage: chatUsage(usage) }),
  }
}
