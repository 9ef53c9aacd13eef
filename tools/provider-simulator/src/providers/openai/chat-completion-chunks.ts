import { isRecord } from '../../core/is-record.ts'
import { pieces } from '../../core/pieces.ts'
import { dataEvent } from '../../wire/server-sent-events.ts'
import { type ChatCompletion, completionUsageOf } from './chat-completion-object.ts'
import { DONE, obfuscation } from './event-stream.ts'

/**
 * https://platform.openai.com/docs/api-reference/chat-streaming: one event a token, of each choice in turn. With `include_usage` every chunk
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
  let sent = 0
  const chunk = (choices: readonly unknown[], usage: unknown) => {
    sent += 1
    const padding = obfuscate ? { obfuscation: obfuscation(sent) } : {}
    return dataEvent({ ...common, choices, ...(includeUsage && { usage }), ...padding })
  }

  const each = Array.from({ length: completion.choices }, (_, index) => index)
  for (const deltaOf of deltas(completion)) {
    for (const index of each) yield chunk([{ index, delta: deltaOf(index), finish_reason: null }], null)
  }
  for (const index of each) yield chunk([{ index, delta: {}, finish_reason: completion.finishReason }], null)
  if (includeUsage) yield chunk([], completionUsageOf(completion))
  yield DONE
}

/** What is said next, by choice. */
function* deltas({ toolCall, answer }: ChatCompletion): Generator<(choice: number) => unknown> {
  if (toolCall === undefined) {
    yield () => ({ role: 'assistant', content: '', refusal: null })
    for (const content of answer.text.pieces()) yield () => ({ content })
    return
  }
  const { ids, name } = toolCall
  const opened = { index: 0, type: 'function', function: { name, arguments: '' } }
  yield (choice) => ({ role: 'assistant', content: null, tool_calls: [{ ...opened, id: ids[choice] }], refusal: null })
  for (const part of pieces(toolCall.arguments)) {
    yield () => ({ tool_calls: [{ index: 0, function: { arguments: part } }] })
  }
}
