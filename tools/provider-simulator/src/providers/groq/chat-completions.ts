import type { Generation } from '../../core/generation.ts'
import { isRecord } from '../../core/is-record.ts'
import { simulatedResponse } from '../../core/simulated-answer.ts'
import { tokensOfChars } from '../../core/tokens.ts'
import { jsonResponse } from '../../wire/json-answer.ts'
import { parseObject } from '../../wire/parse-object.ts'
import { dataEvent, eventStream, namedEvent } from '../../wire/server-sent-events.ts'
import { contentChars } from '../openai/content-chars.ts'
import { DONE } from '../openai/event-stream.ts'
import { count } from '../openai/parameters.ts'
import { schemaOfFormat } from '../openai/response-format.ts'
import { simulatedToolCall } from '../openai/tool-call.ts'
import type { ProviderRoute, StreamError } from '../simulated-provider.ts'
import { type ChatCompletion, completionChunks, completionObject } from './chat-completion.ts'
import { errorOfStatus, invalidRequest } from './errors.ts'
import { groqRequestId } from './headers.ts'
import { findModel, type Model } from './model-catalogue.ts'
import { unknownModel } from './models.ts'
import { asksToThink, reasoningProblem, showsThought } from './reasoning.ts'
import { requestProblem } from './request-problem.ts'

type Json = Readonly<Record<string, unknown>>

/** https://console.groq.com/docs/api-reference#chat-create */
export const chatCompletions: ProviderRoute = {
  method: 'POST',
  path: '/openai/v1/chat/completions',
  handle({ body, generation, requestId }) {
    const json = parseObject(body)
    if (json === undefined) return invalidRequest('could not unmarshal request body as JSON')
    const problem = requestProblem(json)
    if (problem !== undefined)
      return invalidRequest(problem.message, 400, problem.param ? { param: problem.param } : {})
    const model = findModel(String(json.model))
    if (model === undefined) return unknownModel(String(json.model))
    const unfit = reasoningProblem(json, model)
    if (unfit !== undefined) return invalidRequest(unfit.message, 400, { param: unfit.param })
    const maximum = count(json, 'max_completion_tokens') ?? count(json, 'max_tokens')
    if (maximum !== undefined && maximum > model.maxOutputTokens) return beyondModel(model)

    const completion = complete(json, model, maximum, generation, groqRequestId(requestId))
    const { inputTokens, answer } = completion
    return {
      charge: { model: model.id, inputTokens, outputTokens: answer.outputTokens },
      answer: () =>
        json.stream === true
          ? eventStream(events(completion, json.stream_options), errorEvent)
          : jsonResponse(completionObject(completion)),
    }
  },
}

function beyondModel({ maxOutputTokens }: Model) {
  return invalidRequest(
    `\`max_completion_tokens\` must be less than or equal to \`${maxOutputTokens}\`, the maximum value for ` +
      '`max_completion_tokens` is less than the `context_window` for this model',
    400,
    { param: 'max_completion_tokens' },
  )
}

function complete(
  json: Json,
  model: Model,
  maximum: number | undefined,
  generation: Generation,
  requestId: string,
): ChatCompletion {
  const { ids, createdAtS, omitUsage, callsTools } = generation
  const call = simulatedToolCall(json.tools, json.tool_choice, (tool) => tool.function, callsTools)
  const thinks = asksToThink(json)
  const answer = simulatedResponse(generation, {
    thinks,
    schema: schemaOfFormat(json.response_format),
    toolArguments: call?.arguments,
    maxTokens: maximum,
  })
  return {
    id: `chatcmpl-${ids(32)}`,
    requestId,
    createdAtS,
    model: model.id,
    inputTokens: tokensOfChars(contentChars(json.messages)),
    answer,
    showsThought: thinks && showsThought(json, model),
    finishReason: call ? 'tool_calls' : answer.cut ? 'length' : 'stop',
    omitUsage,
    ...(call && { toolCall: { ...call, id: ids(9) } }),
  }
}

function* events(completion: ChatCompletion, options: unknown): Generator<string> {
  const includeUsage = isRecord(options) && options.include_usage === true
  for (const chunk of completionChunks(completion, includeUsage)) yield dataEvent(chunk)
  yield DONE
}

function errorEvent({ status, message }: StreamError): string {
  return namedEvent('error', { error: { ...errorOfStatus(status, message), status_code: status } })
}
