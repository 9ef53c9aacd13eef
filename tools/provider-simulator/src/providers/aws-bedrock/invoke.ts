import type { OutgoingHttpHeaders } from 'node:http'
import { jsonResponse } from '../../wire/json-answer.ts'
import { createMessage, type Message, messageObject } from '../anthropic/message.ts'
import { messageProblem } from '../anthropic/message-problem.ts'
import { hostedMessageSchema } from '../anthropic/message-schema.ts'
import { thinkingProblem } from '../anthropic/thinking-problem.ts'
import type { Answer, ProviderRoute, Reply } from '../simulated-provider.ts'
import { validationError } from './errors.ts'
import { frameStream } from './event-frames.ts'
import { messageFrames } from './message-frames.ts'
import { type ModelRequest, modelRoute } from './model-route.ts'
import { embedWithTitan } from './titan-embedding.ts'

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html: bodies are the model's own. */
export const invokeRoutes: readonly ProviderRoute[] = [
  modelRoute('invoke', (request) =>
    request.model.kind === 'titan-embedding' ? embedWithTitan(request) : responseMessage(request, plain),
  ),
  modelRoute('invoke-with-response-stream', (request) => responseMessage(request, streamed)),
]

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html */
function responseMessage({ json, model, generation }: ModelRequest, send: (message: Message) => Answer): Reply {
  if (model.kind !== 'anthropic') return validationError(`The simulator has no bodies of ${model.id}: use Converse.`)
  const problem = messageProblem(json, hostedMessageSchema) ?? thinkingProblem(json, ['enabled'])
  if (problem !== undefined) return validationError(problem)
  const message = createMessage(json, model.id.replace(/^anthropic\.|-v\d+:\d+$/g, ''), generation)
  const { inputTokens, outputTokens } = message
  return { charge: { model: model.id, inputTokens, outputTokens }, answer: () => send(message) }
}

function plain(message: Message): Answer {
  const answer = jsonResponse(messageObject(message))
  return { ...answer, headers: { ...answer.headers, ...(!message.omitUsage && usageHeaders(message)) } }
}

function streamed(message: Message): Answer {
  const answer = frameStream(messageFrames(message))
  return { ...answer, headers: { ...answer.headers, 'x-amzn-bedrock-content-type': 'application/json' } }
}

function usageHeaders({ inputTokens, outputTokens }: Message): OutgoingHttpHeaders {
  return {
    'x-amzn-bedrock-input-token-count': inputTokens,
    'x-amzn-bedrock-output-token-count': outputTokens,
    'x-amzn-bedrock-invocation-latency': inputTokens + outputTokens,
  }
}
