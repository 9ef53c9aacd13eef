import { jsonAnswer } from '../../wire/json-answer.ts'
import { eventStream, namedEvent } from '../../wire/server-sent-events.ts'
import type { StreamError } from '../simulated-provider.ts'
import { errorOfStatus, invalidRequest } from './errors.ts'
import { createMessage, type Message, messageObject } from './message.ts'
import { messageEvents } from './message-events.ts'
import { messageSchemas } from './message-schema.ts'
import { modelRoute } from './model-request.ts'
import { thinkingProblem } from './thinking-problem.ts'

/** https://platform.claude.com/docs/en/api/messages */
export const messages = modelRoute('/v1/messages', messageSchemas, ({ json, model, generation, requestId }) => {
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
  return {
    charge: { model: model.alias, inputTokens, outputTokens },
    answer: () =>
      json.stream === true ? eventStream(events(message), errorEvent) : jsonAnswer(messageObject(message)),
  }
})

const SAMPLING = ['temperature', 'top_p', 'top_k'] as const

function* events(message: Message): Generator<string> {
  for (const event of messageEvents(message)) yield namedEvent(event.type, event)
}

/** https://platform.claude.com/docs/en/build-with-claude/streaming#error-events */
function errorEvent({ status, message }: StreamError): string {
  return namedEvent('error', { type: 'error', error: errorOfStatus(status, message) })
}
