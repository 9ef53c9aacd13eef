import { isRecord } from '../../core/is-record.ts'
import { pieces } from '../../core/pieces.ts'
import { dataEvent } from '../../wire/server-sent-events.ts'
import { type ChatCompletion, completionUsageOf } from './chat-completion-object.ts'
import { DONE, obfuscation } from './event-stream.ts'

/**
 * https://platform.openai.com/docs/api-reference/chat-streaming: one event a token. With `include_usage` every chunk
 * has `usage`, null but in an extra last one without choices; without it none has.
 */
export function* chatCompletionChunks(
  completion: ChatCompletion,
  streamOptions: unknown,
  omitUsage: boolean,
): Generator<string> {
  const options = isRecord(streamOptions) ? streamOptions : {}
  const includeUsage = options.include_usage === true && !omitUsage
  const obfuscate = options.include_obfuscation !== false
  const common = {
    id: completion.id,
    object: 'chat.completion.chunk',
    created: completion.createdAtS,
    model: completion.model,
    service_tier: 'default',
    system_fingerprint: null,
  }
  let index = 0
  const chunk = (choices: readonly unknown[], usage: unknown) => {
    index += 1
    const padding = obfuscate ? { obfuscation: obfuscation(index) } : {}
    return dataEvent({ ...common, choices, ...(includeUsage && { usage }), ...padding })
  }

  for (const delta of deltas(completion)) yield chunk([{ index: 0, delta, finish_reason: null }], null)
  yield chunk([{ index: 0, delta: {}, finish_reason: completion.finishReason }], null)
  if (includeUsage) yield chunk([], completionUsageOf(completion))
  yield DONE
}

function* deltas({ toolCall, answer }: ChatCompletion): Generator<unknown> {
  if (toolCall === undefined) {
    yield { role: 'assistant', content: '', refusal: null }
    for (const content of answer.text.pieces()) yield { content }
    return
  }
  const { id, name } = toolCall
  const opened = { index: 0, id, type: 'function', function: { name, arguments: '' } }
  yield { role: 'assistant', content: null, tool_calls: [opened], refusal: null }
  for (const part of pieces(toolCall.arguments)) {
    yield { tool_calls: [{ index: 0, function: { arguments: part } }] }
  }
}
