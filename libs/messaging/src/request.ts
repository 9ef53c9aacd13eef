import { ErrorReply, knownErrorCode, type RequestDefinition, SluiceError, validate } from '@sluice/contracts'
import type { Msg } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { ERROR_CODE_HEADER } from './serve.ts'

export interface RequestOptions {
  /** How long to wait for the reply, in place of the definition's time. */
  readonly timeoutMs?: number
}

/**
 * Sends a request on the definition's subject and returns the reply.
 * @throws NoRespondersError at once when no service answers the subject
 * @throws NoReplyError when no reply came in time
 * @throws SluiceError with the responder's code when it answered with an error, `internal` when its answer is malformed
 */
export async function request<A extends readonly string[], Q extends TSchema, R extends TSchema>(
  bus: Bus,
  definition: RequestDefinition<A, Q, R>,
  identifiers: A,
  payload: Static<Q>,
  { timeoutMs = definition.timeoutMs }: RequestOptions = {},
): Promise<Static<R>> {
  const subject = definition.subject(...identifiers)
  const message = await bus.inbox.ask(subject, JSON.stringify(payload), { timeoutMs })
  const body = parseBody(message, subject)
  if (message.headers?.has(ERROR_CODE_HEADER)) throw remoteError(body)
  const reply = validate(definition.reply, body)
  if (!reply.valid) throw new SluiceError('internal', `malformed reply on ${subject}`, { fields: reply.errors })
  return reply.value
}

function parseBody(message: Msg, subject: string): unknown {
  try {
    return message.json()
  } catch (cause) {
    throw new SluiceError('internal', `malformed reply on ${subject}`, { cause })
  }
}

function remoteError(body: unknown): SluiceError {
  const reply = validate(ErrorReply, body)
  if (!reply.valid) return new SluiceError('internal', 'malformed error reply')
  const { code, message, errors } = reply.value
  return new SluiceError(knownErrorCode(code), message, { fields: errors ?? [] })
}
