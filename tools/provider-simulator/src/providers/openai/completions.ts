import { isRecord } from '../../core/is-record.ts'
import { simulatedText, simulatedToken } from '../../core/simulated-text.ts'
import { outputLength, tokensOfChars } from '../../core/tokens.ts'
import { jsonResponse } from '../../wire/json-answer.ts'
import { dataEvent } from '../../wire/server-sent-events.ts'
import { contentChars } from './content-chars.ts'
import { DONE, eventStreamResponse } from './event-stream.ts'
import { type ModelRequest, modelRoute } from './model-route.ts'
import { count, invalidCount, invalidStreamOptions, missingParameter } from './parameters.ts'
import { completionSchema } from './request-schemas.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { completionUsage } from './usage.ts'

/** The legacy API: https://platform.openai.com/docs/api-reference/completions. Its `max_tokens` is 16 if not stated. */
export const completions = modelRoute('/v1/completions', 'completion', (request) => {
  const { json, model, generation } = request
  const invalid =
    missingParameter(json, 'prompt') ??
    schemaRefusal(completionSchema, json) ??
    invalidCount(json, 'max_tokens') ??
    invalidCount(json, 'n', { maximum: 128 }) ??
    invalidStreamOptions(json)
  const inputTokens = tokensOfChars(contentChars(json.prompt))
  if (invalid !== undefined) return { ...invalid, charge: { model: model.id, inputTokens, outputTokens: 0 } }
  const choices = count(json, 'n') ?? 1
  const { tokens, cut } = outputLength(generation.outputTokens, count(json, 'max_tokens') ?? DEFAULT_MAX_TOKENS)
  const completion: Completion = {
    id: `cmpl-${generation.ids(29)}`,
    tokens,
    choices,
    usage: completionUsage(inputTokens, choices * tokens),
    finishReason: cut ? 'length' : 'stop',
  }
  return {
    charge: { model: model.id, inputTokens, outputTokens: choices * tokens },
    answer: () =>
      json.stream === true
        ? eventStreamResponse(chunks(request, completion))
        : jsonResponse(completionObject(request, completion)),
  }
})

const DEFAULT_MAX_TOKENS = 16

interface Completion {
  readonly id: string
  /** Of each choice. */
  readonly tokens: number
  /** How many there are, all of them the same. */
  readonly choices: number
  readonly usage: ReturnType<typeof completionUsage>
  readonly finishReason: 'stop' | 'length'
}

function completionObject({ model, generation }: ModelRequest, completion: Completion) {
  const { id, tokens, usage, finishReason } = completion
  return {
    id,
    object: 'text_completion',
    created: generation.createdAtS,
    model: model.snapshot,
    choices: choicesOf(completion).map((index) => choice(index, simulatedText(tokens), finishReason)),
    ...(!generation.omitUsage && { usage }),
  }
}

/** The last token comes with the finish reason. */
function* chunks({ json, model, generation }: ModelRequest, completion: Completion): Generator<string> {
  const { id, tokens, usage, finishReason } = completion
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

  const each = choicesOf(completion)
  const last = Math.max(0, tokens - 1)
  for (let token = 0; token < last; token++) {
    for (const index of each) yield chunk([choice(index, simulatedToken(token), null)], null)
  }
  const lastToken = tokens === 0 ? '' : simulatedToken(last)
  for (const index of each) yield chunk([choice(index, lastToken, finishReason)], null)
  if (includeUsage) yield chunk([], usage)
  yield DONE
}

function choicesOf({ choices }: Completion): readonly number[] {
  return Array.from({ length: choices }, (_, index) => index)
}

function choice(index: number, text: string, finishReason: string | null) {
  return { text, index, logprobs: null, finish_reason: finishReason }
}
