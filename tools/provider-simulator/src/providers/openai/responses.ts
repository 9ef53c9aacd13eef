import { simulatedResponse } from '../../core/simulated-answer.ts'
import { tokensOfChars } from '../../core/tokens.ts'
import { jsonResponse } from '../../wire/json-answer.ts'
import { contentChars } from './content-chars.ts'
import { eventStreamResponse } from './event-stream.ts'
import { type ModelRequest, modelRoute } from './model-route.ts'
import { count, invalidCount, missingParameter } from './parameters.ts'
import { responseSchema } from './request-schemas.ts'
import { responseEvents } from './response-events.ts'
import { schemaOfTextFormat } from './response-format.ts'
import { finishedResponse, type ModelResponse } from './response-object.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { simulatedToolCall } from './tool-call.ts'

/** https://platform.openai.com/docs/api-reference/responses/create */
export const responses = modelRoute('/v1/responses', 'chat', (request) => {
  const { json, model } = request
  const inputTokens = tokensOfChars(contentChars(json.input) + contentChars(json.instructions))
  const invalid =
    missingParameter(json, 'input') ?? schemaRefusal(responseSchema, json) ?? invalidCount(json, 'max_output_tokens')
  if (invalid !== undefined) return { ...invalid, charge: { model: model.id, inputTokens, outputTokens: 0 } }
  const response = respond(request, inputTokens)
  return {
    charge: { model: model.id, inputTokens, outputTokens: response.outputTokens },
    answer: () =>
      json.stream === true ? eventStreamResponse(responseEvents(response)) : jsonResponse(finishedResponse(response)),
  }
})

function respond({ json, model, generation }: ModelRequest, inputTokens: number): ModelResponse {
  const call = simulatedToolCall(json.tools, json.tool_choice, (tool) => tool, generation.callsTools)
  const answer = simulatedResponse(generation, {
    thinks: false,
    schema: schemaOfTextFormat(json.text),
    toolArguments: call?.arguments,
    maxTokens: count(json, 'max_output_tokens'),
  })
  return {
    id: `resp_${generation.ids(48)}`,
    itemId: `${call === undefined ? 'msg' : 'fc'}_${generation.ids(48)}`,
    createdAtS: generation.createdAtS,
    model: model.snapshot,
    request: json,
    inputTokens,
    outputTokens: answer.outputTokens,
    text: answer.text,
    cut: answer.cut && call === undefined,
    omitUsage: generation.omitUsage,
    ...(call && { toolCall: { ...call, id: `call_${generation.ids(24)}` } }),
  }
}
