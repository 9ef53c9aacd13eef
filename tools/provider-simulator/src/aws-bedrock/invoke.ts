import type { OutgoingHttpHeaders } from 'node:http'
import { createMessage, type Message, messageEvents, messageObject } from '../anthropic/message.ts'
import { hostedMessageSchema, messageProblem } from '../anthropic/request-validation.ts'
import { thinkingProblem } from '../anthropic/thinking.ts'
import { jsonResponse, type ProviderResponse } from '../core/responses.ts'
import { simulatedEmbedding } from '../core/simulated-embedding.ts'
import type { ProviderRoute, RouteResult } from '../core/simulated-provider.ts'
import { tokensOfChars } from '../core/token-counts.ts'
import { validationError } from './errors.ts'
import { eventFrame, frameStream, padding } from './event-frames.ts'
import { type ModelRequest, modelRoute } from './models.ts'

/**
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html, with the model's own bodies.
 */
export const invokeRoutes: readonly ProviderRoute[] = [
  modelRoute('invoke', (request) =>
    request.model.kind === 'titan-embedding' ? embedWithTitan(request) : respondWithMessage(request, plain),
  ),
  modelRoute('invoke-with-response-stream', (request) => respondWithMessage(request, streamed)),
]

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html */
function respondWithMessage(
  { json, model, generation }: ModelRequest,
  send: (message: Message) => ProviderResponse,
): RouteResult {
  if (model.kind !== 'anthropic') return validationError(`The simulator has no bodies of ${model.id}: use Converse.`)
  const problem = messageProblem(json, hostedMessageSchema) ?? thinkingProblem(json, ['enabled'])
  if (problem !== undefined) return validationError(problem)
  const message = createMessage(json, model.id.replace(/^anthropic\.|-v\d+:\d+$/g, ''), generation)
  const { inputTokens, outputTokens } = message
  return { charge: { model: model.id, inputTokens, outputTokens }, respond: () => send(message) }
}

function plain(message: Message): ProviderResponse {
  const response = jsonResponse(messageObject(message))
  return { ...response, headers: { ...response.headers, ...(!message.omitUsage && usageHeaders(message)) } }
}

function streamed(message: Message): ProviderResponse {
  const response = frameStream(messageFrames(message))
  return { ...response, headers: { ...response.headers, 'x-amzn-bedrock-content-type': 'application/json' } }
}

function usageHeaders({ inputTokens, outputTokens }: Message): OutgoingHttpHeaders {
  return {
    'x-amzn-bedrock-input-token-count': inputTokens,
    'x-amzn-bedrock-output-token-count': outputTokens,
    'x-amzn-bedrock-invocation-latency': inputTokens + outputTokens,
  }
}

/** Sends each of Anthropic's events as the bytes of a `chunk`; Bedrock adds its own token counts to the last one. */
function* messageFrames(message: Message): Generator<Uint8Array> {
  let index = 0
  for (const event of messageEvents(message)) {
    // Bedrock does not pass on pings.
    if (event.type === 'ping') continue
    const counted =
      event.type === 'message_stop' && !message.omitUsage ? { ...event, ...invocationMetrics(message) } : event
    const bytes = Buffer.from(JSON.stringify(counted)).toString('base64')
    yield eventFrame('chunk', { bytes, p: padding(index) })
    index += 1
  }
}

function invocationMetrics({ inputTokens, outputTokens }: Message) {
  return {
    'amazon-bedrock-invocationMetrics': {
      inputTokenCount: inputTokens,
      outputTokenCount: outputTokens,
      invocationLatency: inputTokens + outputTokens,
      firstByteLatency: 1,
    },
  }
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html */
function embedWithTitan({ json, model }: ModelRequest): RouteResult {
  const { inputText, dimensions = 1024 } = json
  if (typeof inputText !== 'string' || inputText === '') {
    return validationError(
      'Malformed input request: #: required key [inputText] not found, please reformat your input and try again.',
    )
  }
  if (dimensions !== 256 && dimensions !== 512 && dimensions !== 1024) {
    return validationError(
      'Malformed input request: #/dimensions: not one of 256, 512, 1024, please reformat your input and try again.',
    )
  }
  const inputTokens = tokensOfChars(inputText.length)
  return {
    charge: { model: model.id, inputTokens, outputTokens: 0 },
    respond() {
      const embedding = Array.from(simulatedEmbedding(inputText, dimensions))
      return jsonResponse({ embedding, embeddingsByType: { float: embedding }, inputTextTokenCount: inputTokens })
    },
  }
}
