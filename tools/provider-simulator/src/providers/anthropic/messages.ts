import { jsonResponse } from '../../wire/json-answer.ts'
import { eventStream, namedEvent } from '../../wire/server-sent-events.ts'
import type { ProviderRoute, Reply, StreamError } from '../simulated-provider.ts'
import { contentBlocks } from './content-blocks.ts'
import { errorOfStatus, invalidRequest } from './errors.ts'
import { createMessage, type Message, messageObject } from './message.ts'
import { messageEvents } from './message-events.ts'
import { messageSchemas } from './message-schema.ts'
import { type ModelRequest, modelRoute } from './model-request.ts'
import { thinkingProblem } from './thinking-problem.ts'
import type { Threads } from './threads.ts'

/** https://platform.claude.com/docs/en/api/messages */
export function createMessagesRoute(threads: Threads): ProviderRoute {
  return modelRoute('/v1/messages', messageSchemas, responseMessages, threads)
}

function responseMessages({ json, model, generation, requestId, hold }: ModelRequest): Reply {
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
    answer: () =>
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
