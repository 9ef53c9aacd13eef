import { isRecord } from '../../core/is-record.ts'
import { simulatedText, simulatedToken } from '../../core/simulated-text.ts'
import { outputLength, tokensOfChars } from '../../core/tokens.ts'
import { jsonAnswer } from '../../wire/json-answer.ts'
import { dataEvent } from '../../wire/server-sent-events.ts'
import { contentChars } from './content-chars.ts'
import { DONE, eventStreamAnswer } from './event-stream.ts'
import { type ModelRequest, modelRoute } from './model-route.ts'
import { count, invalidCount, invalidStreamOptions, missingParameter } from './parameters.ts'
import { completionUsage } from './usage.ts'

/** The legacy API: https://platform.openai.com/docs/api-reference/completions. Its `max_tokens` is 16 if not stated. */
export const completions = modelRoute('/v1/completions', 'completion', (request) => {
  const { json, model, generation } = request
  const invalid = missingParameter(json, 'prompt') ?? invalidCount(json, 'max_tokens') ?? invalidStreamOptions(json)
  const inputTokens = tokensOfChars(contentChars(json.prompt))
  if (invalid !== undefined) return { ...invalid, charge: { model: model.id, inputTokens, outputTokens: 0 } }
  const { tokens, cut } = outputLength(generation.outputTokens, count(json, 'max_tokens') ?? DEFAULT_MAX_TOKENS)
  const completion: Completion = {
    id: `cmpl-${generation.ids(29)}`,
    usage: completionUsage(inputTokens, tokens),
    finishReason: cut ? 'length' : 'stop',
  }
  return {
    charge: { model: model.id, inputTokens, outputTokens: tokens },
    answer: () =>
      json.stream === true
        ? eventStreamAnswer(chunks(request, completion))
        : jsonAnswer(completionObject(request, completion)),
  }
})

const DEFAULT_MAX_TOKENS = 16

interface Completion {
  readonly id: string
  readonly usage: ReturnType<typeof completionUsage>
  readonly finishReason: 'stop' | 'length'
}

function completionObject({ model, generation }: ModelRequest, { id, usage, finishReason }: Completion) {
  return {
    id,
    object: 'text_completion',
    created: generation.createdAtS,
    model: model.snapshot,
    choices: [choice(simulatedText(usage.completion_tokens), finishReason)],
    ...(!generation.omitUsage && { usage }),
  }
}

/** The last token comes with the finish reason. */
function* chunks({ json, model, generation }: ModelRequest, completion: Completion): Generator<string> {
  const { id, usage, finishReason } = completion
  const options = isRecord(json.stream_options) ? json.stream_options : {}
  const includeUsage = options.include_usage === true && !generation.omitUsage
  const chunk = (choices: readonly unknown[], usageSoFar: unknown) =>
    dataEvent({
      id,
      object: 'text_completion',
      created: generation.createdAtS,
      choices,
      model: model.snapshot,
      ...(includeUsage && { usage: usageSoFar }),
    })

  const last = Math.max(0, usage.completion_tokens - 1)
  for (let index = 0; index < last; index++) yield chunk([choice(simulatedToken(index), null)], null)
  yield chunk([choice(usage.completion_tokens === 0 ? '' : simulatedToken(last), finishReason)], null)
  if (includeUsage) yield chunk([], usage)
  yield DONE
}

function choice(text: string, finishReason: string | null) {
  return { text, index: 0, logprobs: null, finish_reason: finishReason }
}
