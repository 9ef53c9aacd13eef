import { parseObject } from '../core/json.ts'
import { eventStream, jsonResponse, namedEvent, type StreamError } from '../core/responses.ts'
import type { CompiledSchema } from '../core/schema-problem.ts'
import type { ProviderRequest, ProviderRoute, RouteResult } from '../core/simulated-provider.ts'
import { errorOfStatus, invalidRequest } from './errors.ts'
import { contentBlocks, createMessage, inputTokensOf, type Message, messageEvents, messageObject } from './message.ts'
import { findModel, type Model, versionedRoute } from './models.ts'
import { countTokensSchema, messageProblem, messageSchema } from './request-validation.ts'
import { thinkingProblem } from './thinking.ts'
import type { Threads } from './threads.ts'

/** https://platform.claude.com/docs/en/api/messages */
export function createMessagesRoute(threads: Threads): ProviderRoute {
  return modelRoute('/v1/messages', messageSchema, respondToMessages, threads)
}

function respondToMessages({ json, model, generation, requestId, hold }: ModelRequest): RouteResult {
  const maximum = Number(json.max_tokens)
  if (maximum > model.maxOutputTokens) {
    return invalidRequest(
      `max_tokens: ${maximum} > ${model.maxOutputTokens}, which is the maximum allowed number of output tokens for ${model.id}`,
      requestId,
    )
  }
  const sampling = model.sampling ? undefined : SAMPLING.find((name) => json[name] !== undefined && json[name] !== 1)
  if (sampling !== undefined) return invalidRequest(`\`${sampling}\` is deprecated for this model.`, requestId)
  const problem = thinkingProblem(json, model.thinking)
  if (problem !== undefined) return invalidRequest(problem, requestId)
  const message = createMessage(json, model.id, generation)
  const { inputTokens, outputTokens } = message
  hold?.(
    message.id,
    contentBlocks(message).map((block) => block.whole()),
  )
  return {
    charge: { model: model.alias, inputTokens, outputTokens },
    respond: () =>
      json.stream === true ? eventStream(events(message), errorEvent) : jsonResponse(messageObject(message)),
  }
}

const SAMPLING = ['temperature', 'top_p', 'top_k'] as const

function* events(message: Message): Generator<string> {
  for (const event of messageEvents(message)) yield namedEvent(event.type, event)
}

/** https://platform.claude.com/docs/en/build-with-claude/streaming#error-events */
function errorEvent({ status, message }: StreamError): string {
  return namedEvent('error', { type: 'error', error: errorOfStatus(status, message) })
}

/** A request whose body is valid and names a model that exists. */
interface ModelRequest extends ProviderRequest {
  readonly json: Readonly<Record<string, unknown>>
  readonly model: Model
  /** Keeps the conversation under the response's id, if the request asks for that. */
  hold?(messageId: string, content: readonly object[]): void
}

/** Defines a route that uses a model, and checks first what all such routes have in common. */
function modelRoute(
  path: string,
  schema: CompiledSchema,
  handle: (request: ModelRequest) => RouteResult,
  threads?: Threads,
): ProviderRoute {
  return versionedRoute('POST', path, (request) => {
    const { requestId } = request
    const body = parseObject(request.body)
    if (body === undefined) return invalidRequest('The request body is not valid JSON: not an object', requestId)
    const threaded = threads?.resolve(body, request.headers['anthropic-beta'])
    if (threaded && 'problem' in threaded) return invalidRequest(threaded.problem, requestId, threaded.status)
    const json = threaded?.json ?? body
    const problem = messageProblem(json, schema)
    if (problem !== undefined) return invalidRequest(problem, requestId)
    const model = findModel(String(json.model))
    if (model === undefined) return invalidRequest(`model: ${String(json.model)}`, requestId, 404)
    return handle({ ...request, json, model, ...(threaded && { hold: threaded.hold }) })
  })
}

/** https://platform.claude.com/docs/en/api/messages-count-tokens; its own limits are not simulated. */
export const countTokens = modelRoute('/v1/messages/count_tokens', countTokensSchema, ({ json }) => ({
  respond: () => jsonResponse({ input_tokens: inputTokensOf(json) }),
}))
