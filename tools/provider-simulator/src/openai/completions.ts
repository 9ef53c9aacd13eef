import { isRecord } from '../core/json.ts'
import { outputLength, simulatedText, simulatedToken } from '../core/model-output.ts'
import { dataEvent, jsonResponse } from '../core/responses.ts'
import { tokensOfChars } from '../core/token-counts.ts'
import { contentChars, positiveInteger } from './chat-request.ts'
import { DONE, eventStreamResponse } from './event-stream.ts'
import { type ModelRequest, modelRoute } from './models.ts'
import { missingParameter, streamOptionsProblem } from './request-validation.ts'

/** The legacy API: https://platform.openai.com/docs/api-reference/completions. */
export const completions = modelRoute('/v1/completions', 'completion', (request) => {
  const { json, model, generation } = request
  const problem = missingParameter(json, 'prompt') ?? streamOptionsProblem(json)
  const inputTokens = tokensOfChars(contentChars(json.prompt))
  if (problem !== undefined) return { ...problem, charge: { model: model.id, inputTokens, outputTokens: 0 } }
  const choices = Math.min(positiveInteger(json.n) ?? 1, MAX_CHOICES)
  const maximum = positiveInteger(json.max_tokens) ?? DEFAULT_MAX_TOKENS
  const { tokens, truncated } = outputLength(generation.outputTokens, maximum)
  const completion: Completion = {
    id: `cmpl-${generation.ids(29)}`,
    tokens,
    choices,
    inputTokens,
    finishReason: truncated ? 'length' : 'stop',
  }
  return {
    charge: { model: model.id, inputTokens, outputTokens: choices * tokens },
    respond: () =>
      json.stream === true
        ? eventStreamResponse(chunks(request, completion))
        : jsonResponse(completionObject(request, completion)),
  }
})

const DEFAULT_MAX_TOKENS = 16
const MAX_CHOICES = 128

interface Completion {
  readonly id: string
  readonly inputTokens: number
  /** Of each choice. */
  readonly tokens: number
  /** Their number; all are the same. */
  readonly choices: number
  readonly finishReason: 'stop' | 'length'
}

function completionObject({ model, generation }: ModelRequest, completion: Completion) {
  const { id, tokens, finishReason } = completion
  return {
    id,
    object: 'text_completion',
    created: generation.createdAtS,
    model: model.snapshot,
    choices: choicesOf(completion).map((index) => choice(index, simulatedText(tokens), finishReason)),
    ...(!generation.omitUsage && { usage: usageOf(completion) }),
  }
}

/** Streams one event per token, for each choice in turn; the last token has the finish reason. */
function* chunks({ json, model, generation }: ModelRequest, completion: Completion): Generator<string> {
  const { id, tokens, finishReason } = completion
  const options = isRecord(json.stream_options) ? json.stream_options : {}
  const includeUsage = options.include_usage === true && !generation.omitUsage
  const chunk = (choices: readonly unknown[], usage: unknown) =>
    dataEvent({
      id,
      object: 'text_completion',
      created: generation.createdAtS,
      choices,
      model: model.snapshot,
      ...(includeUsage && { usage }),
    })

  const indexes = choicesOf(completion)
  const last = Math.max(0, tokens - 1)
  for (let token = 0; token < last; token++) {
    for (const index of indexes) yield chunk([choice(index, simulatedToken(token), null)], null)
  }
  const lastToken = tokens === 0 ? '' : simulatedToken(last)
  for (const index of indexes) yield chunk([choice(index, lastToken, finishReason)], null)
  if (includeUsage) yield chunk([], usageOf(completion))
  yield DONE
}

function usageOf({ inputTokens, tokens, choices }: Completion) {
  const outputTokens = choices * tokens
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens }
}

function choicesOf({ choices }: Completion): readonly number[] {
  return Array.from({ length: choices }, (_, index) => index)
}

function choice(index: number, text: string, finishReason: string | null) {
  return { text, index, logprobs: null, finish_reason: finishReason }
}
