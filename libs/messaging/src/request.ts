import {
  ErrorReply,
  knownErrorCode,
  type RequestDefinition,
  SluiceError,
  subjectOfAll,
  validate,
} from '@sluice/contracts'
import type { Msg } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { ERROR_CODE_HEADER } from './serve.ts'

export interface RequestOptions {
  /** How long to wait for the reply, in place of the definition's time. */
  readonly timeoutMs?: number
}

/**
 * Sends a request on the definition's subject and returns the reply. Where the definition allows it, every responder
 * gets the request when the first one takes long: one that hangs (a stopped process, a machine that is cut off) still
 * gets its share of a queue's requests until the server misses its pings.
 * @throws NoRespondersError at once when no service responds on the subject
 * @throws NoReplyError when no reply came in time
 * @throws SluiceError with the responder's code when it replied with an error, `internal` when its reply is malformed
 */
export async function request<A extends readonly string[], Q extends TSchema, R extends TSchema>(
  bus: Bus,
  definition: RequestDefinition<A, Q, R>,
  identifiers: A,
  payload: Static<Q>,
  { timeoutMs = definition.timeoutMs }: RequestOptions = {},
): Promise<Static<R>> {
  const subject = definition.subject(...identifiers)
  const message = await firstReply(bus, definition, subject, JSON.stringify(payload), timeoutMs)
  const body = parseBody(message, subject)
  if (message.headers?.has(ERROR_CODE_HEADER)) throw remoteError(body)
  const reply = validate(definition.reply, body)
  if (!reply.valid) throw new SluiceError('internal', `malformed reply on ${subject}`, { fields: reply.errors })
  return reply.value
}

async function firstReply(
  bus: Bus,
  { askAllAfterMs }: Pick<RequestDefinition, 'askAllAfterMs'>,
  subject: string,
  payload: string,
  timeoutMs: number,
): Promise<Msg> {
  const first = bus.inbox.request(subject, payload, { timeoutMs })
  if (askAllAfterMs === undefined) return first
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), askAllAfterMs)
  const reply = await Promise.race([first, late.promise]).finally(() => clearTimeout(timer))
  if (reply !== undefined) return reply
  const all = bus.inbox.request(subjectOfAll(subject), payload, { timeoutMs: timeoutMs - askAllAfterMs })
  // The first may be slow and no more: its reply counts as well, and its error says what happened where all fail.
  return Promise.any([first, all]).catch(() => first)
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
